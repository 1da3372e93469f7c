"""The demo graph: a biosignal and this host's counters, through filters and features to a decision.

    DEMO
    ├── SOURCES                  AMPLIFIER, HOST                               worker 1
    ├── PIPELINE
    │   ├── CONDITIONING         NOTCH → BANDPASS → DECIMATE                   worker 2
    │   └── ANALYSIS             SPECTRUM → BAND_POWER → DECODER               worker 3
    ├── STORAGE                  SEGMENTS →                                    worker 4
    │                            ARCHIVE                                       worker 5
    └── DISPLAY                  SCOPE, LOAD_MONITOR, READOUT                  worker 6

    AMPLIFIER → NOTCH → BANDPASS ┬→ DECIMATE → SPECTRUM → BAND_POWER ┬→ DECODER → LOAD_MONITOR → READOUT
                                 │                                   └→ READOUT      ↑
                                 ├→ SCOPE                                          HOST
                                 └→ SEGMENTS → ARCHIVE → READOUT

What there is to find in it:

* ARCHIVE takes `work_ms` for each segment and SEGMENTS hands over four at a time, so SEGMENTS waits for ARCHIVE a
  good part of its time. Beyond 50 ms the backlog reaches AMPLIFIER, which then skips blocks.
* SCOPE is leaky: it draws ten frames a second, drops the other blocks and holds nobody up.
* READOUT reports the latest results as read-only settings: change the band of BANDPASS or BAND_POWER and see its
  `band_power` follow.

`CONFIGURED_RATES` has the rate of every publisher with the settings as they are at the start.
"""

from collections.abc import Mapping
from types import MappingProxyType

ROOT = "DEMO"

CONFIGURED_RATES: Mapping[str, float] = MappingProxyType(
    {
        "DEMO/SOURCES/AMPLIFIER/OUTPUT": 50.0,
        "DEMO/SOURCES/HOST/OUTPUT": 5.0,
        "DEMO/PIPELINE/CONDITIONING/NOTCH/OUTPUT": 50.0,
        "DEMO/PIPELINE/CONDITIONING/BANDPASS/OUTPUT": 50.0,
        "DEMO/PIPELINE/CONDITIONING/DECIMATE/OUTPUT": 50.0,
        "DEMO/PIPELINE/ANALYSIS/SPECTRUM/OUTPUT": 10.0,
        "DEMO/PIPELINE/ANALYSIS/BAND_POWER/OUTPUT": 10.0,
        "DEMO/PIPELINE/ANALYSIS/DECODER/OUTPUT": 10.0,
        "DEMO/STORAGE/SEGMENTS/OUTPUT": 20.0,
        "DEMO/STORAGE/ARCHIVE/OUTPUT": 20.0,
        "DEMO/DISPLAY/LOAD_MONITOR/OUTPUT": 5.0,
    }
)
"""Messages a second by topic, with the settings as they are at the start."""
