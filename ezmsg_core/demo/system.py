"""The whole demo graph: what is joined with what, and which parts run in a process of their own."""

import ezmsg_core as ez
from ezmsg_core.demo.analysis import Analysis
from ezmsg_core.demo.conditioning import Conditioning
from ezmsg_core.demo.display import Display
from ezmsg_core.demo.messages import Decision, Feature, SignalBlock
from ezmsg_core.demo.sources import Sources
from ezmsg_core.demo.storage import Storage


class Pipeline(ez.Collection):
    """From the raw signal to a decision."""

    CONDITIONING = Conditioning()
    ANALYSIS = Analysis()

    INPUT = ez.InputTopic(SignalBlock)
    OUTPUT_SIGNAL = ez.OutputTopic(SignalBlock)
    OUTPUT_FEATURE = ez.OutputTopic(Feature)
    OUTPUT_DECISION = ez.OutputTopic(Decision)

    def network(self) -> ez.NetworkDefinition:
        return (
            (self.INPUT, self.CONDITIONING.INPUT),
            (self.CONDITIONING.OUTPUT_FULL, self.OUTPUT_SIGNAL),
            (self.CONDITIONING.OUTPUT_SLOW, self.ANALYSIS.INPUT),
            (self.ANALYSIS.OUTPUT_FEATURE, self.OUTPUT_FEATURE),
            (self.ANALYSIS.OUTPUT_DECISION, self.OUTPUT_DECISION),
        )

    def process_components(self) -> tuple[ez.Component, ...]:
        return (self.CONDITIONING, self.ANALYSIS)


class DemoSystem(ez.Collection):
    """The demo graph; run it under the name `ROOT` of the package."""

    SOURCES = Sources()
    PIPELINE = Pipeline()
    STORAGE = Storage()
    DISPLAY = Display()

    def network(self) -> ez.NetworkDefinition:
        return (
            (self.SOURCES.OUTPUT_SIGNAL, self.PIPELINE.INPUT),
            (self.SOURCES.OUTPUT_HOST, self.DISPLAY.INPUT_HOST),
            (self.PIPELINE.OUTPUT_SIGNAL, self.DISPLAY.INPUT_SIGNAL),
            (self.PIPELINE.OUTPUT_SIGNAL, self.STORAGE.INPUT),
            (self.PIPELINE.OUTPUT_FEATURE, self.DISPLAY.INPUT_FEATURE),
            (self.PIPELINE.OUTPUT_DECISION, self.DISPLAY.INPUT_DECISION),
            (self.STORAGE.OUTPUT, self.DISPLAY.INPUT_RECEIPT),
        )

    def process_components(self) -> tuple[ez.Component, ...]:
        return (self.SOURCES, self.STORAGE, self.DISPLAY)
