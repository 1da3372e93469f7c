"""One line of typing that obeys its keys in the order in which they come."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.widgets import Input


class OrderedInput(Input):
    """Runs what is bound to its keys at once.

    Its parent inserts letters at once, but a bound key travels up to the application and back before it acts: of keys
    that come in one go, as they do over a slow line, those that delete would act after the letters typed behind them.
    """

    async def on_key(self, event: events.Key) -> None:
        action = self._actions().get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)

    def _actions(self) -> dict[str, str]:
        bound = [
            binding
            for kind in reversed(type(self).__mro__)
            if issubclass(kind, Input)
            for binding in kind.__dict__.get("BINDINGS", ())
            if isinstance(binding, Binding)
        ]
        return {key.strip(): binding.action for binding in bound for key in binding.key.split(",")}
