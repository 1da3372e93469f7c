"""Which role may send which command, frame and operation: the whole table, as data."""

from ezmsg_core.errors import NotPermittedError
from ezmsg_core.model.control import ProcessControlOperation
from ezmsg_core.model.roles import Role
from ezmsg_core.wire import commands, frames

_RANK = {Role.OBSERVE: 0, Role.CONTROL: 1, Role.PARTICIPATE: 2}

COMMAND_ROLES: dict[type[commands.CommandBase], Role] = {
    commands.GetTopology: Role.OBSERVE,
    commands.GetSettings: Role.OBSERVE,
    commands.GetSettingsEvents: Role.OBSERVE,
    commands.OpenWatch: Role.OBSERVE,
    commands.CloseWatch: Role.OBSERVE,
    commands.CallUnit: Role.OBSERVE,  # and then by operation
    commands.ConnectEdge: Role.CONTROL,
    commands.DisconnectEdge: Role.CONTROL,
    commands.SteerPublishers: Role.CONTROL,
    commands.StopServer: Role.CONTROL,
    commands.OpenSession: Role.PARTICIPATE,
    commands.CloseSession: Role.PARTICIPATE,
    commands.ClearSession: Role.PARTICIPATE,
    commands.RegisterMetadata: Role.PARTICIPATE,
    commands.OpenProcess: Role.PARTICIPATE,
    commands.RegisterUnits: Role.PARTICIPATE,
    commands.UpdateOwnership: Role.PARTICIPATE,
    commands.CloseProcess: Role.PARTICIPATE,
    commands.ReportSettings: Role.PARTICIPATE,
    commands.AdvertisePublisher: Role.PARTICIPATE,
    commands.AdvertiseSubscriber: Role.PARTICIPATE,
    commands.Withdraw: Role.PARTICIPATE,
    commands.GetTicket: Role.PARTICIPATE,
}
"""The least role for each command."""

FRAME_ROLES: dict[type[frames.ClientFrameBase], Role] = {
    frames.Hello: Role.OBSERVE,
    frames.Ask: Role.OBSERVE,  # and then by command
    frames.Forget: Role.OBSERVE,
    frames.CreditGranted: Role.OBSERVE,
    frames.Alive: Role.OBSERVE,
    frames.CallReply: Role.PARTICIPATE,
    frames.RouteTaken: Role.PARTICIPATE,
    frames.SteerTaken: Role.PARTICIPATE,
    frames.ProfileReport: Role.PARTICIPATE,
    frames.ChannelReport: Role.PARTICIPATE,
}
"""The least role for each frame."""

LOOKING_OPERATIONS = frozenset(
    {
        ProcessControlOperation.PING.value,
        ProcessControlOperation.GET_PROCESS_STATS.value,
        ProcessControlOperation.GET_PROFILING_SNAPSHOT.value,
    }
)
"""Operations that change nothing; all others, also those of custom handlers, need the control role."""


def may(role: Role, least: Role) -> bool:
    """Whether a role can do what the least role can."""
    return _RANK[role] >= _RANK[least]


def check_command(role: Role, command: commands.Command) -> None:
    """Refuse a command that the role may not use.

    Raises:
        NotPermittedError: naming the role and the command.
    """
    least = COMMAND_ROLES[type(command)]
    if isinstance(command, commands.CallUnit) and command.operation not in LOOKING_OPERATIONS:
        least = Role.CONTROL
    if not may(role, least):
        name = type(command).__name__
        raise NotPermittedError(
            f"A link with the role {role} may not use {name}; that needs the role {least}.",
            role=str(role),
            command=name,
        )
