"""The names that all rooms use for what the model consists of: regions, inputs, senses."""

REGIONS = (
    "V1",
    "V2",
    "V4",
    "IT",
    "PYR",
    "PV",
    "SOM",
    "aSTG",
    "amygdala",
    "orbitofrontal",
    "prefrontal",
)
"""The modelled regions, in the order in which activity and gains are laid out."""

VISUAL_AREAS = REGIONS[:4]
POPULATIONS = REGIONS[4:7]

MAPS = ("speed", "jitter", "consonance", "bigsmall", "updown")
"""The five feature maps that the visual cortex reads, by channel."""

ACOUSTIC = ("pitch", "tonnetz", "rms", "tempo", "duration", "direction", "harmony")
"""The acoustic features that the auditory cortex hears: the paper's five and melody's two."""

LOGARITHMIC = frozenset({"pitch", "rms", "tempo", "duration"})
"""Acoustic features that ears hear by ratio: they are coded by their logarithm."""

SENSES = ("audio", "video")
"""The order of the two evidences and the two gates."""
