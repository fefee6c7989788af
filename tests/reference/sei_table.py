"""The SEI historical table of the PSP kits (Programs 3, 6 and 7) and what was computed from it to 10 digits.

Sizes are lines of code; x is the estimated proxy size, `added` the actual added and modified size, `hours` the actual
time. The computed values (rolling-origin, in-sample and log-log) were made with scipy 1.17 and mpmath, independently
of this package.
"""

PROXY = [130, 650, 99, 150, 128, 302, 95, 945, 368, 961]
ADDED = [186, 699, 132, 272, 291, 331, 199, 1890, 788, 1601]
HOURS = [15.0, 69.9, 6.5, 22.4, 28.4, 65.9, 19.4, 198.7, 38.8, 138.2]

IN_SAMPLE = {
    "T1": {
        "b0": -22.55253275,
        "b1": 1.727932426,
        "mmre": 0.2423121340,
        "mdmre": 0.1848165475,
        "pred25": 0.60,
        "mar": 127.8937186,
        "mar_p0": 666.5111111,
        "sa": 0.8081146488,
    },
    "T2": {
        "b0": -4.038881575,
        "b1": 0.1681266499,
        "mmre": 0.3598536537,
        "mdmre": 0.3376370420,
        "pred25": 0.40,
        "mar": 16.52584701,
        "mar_p0": 66.34666667,
        "sa": 0.7509166949,
    },
}

ROLLING = {
    "T1": {"mmre": 0.2307628949, "mdmre": 0.2420690621, "pred25": 4 / 7, "mae": 203.6951777, "in_70": 4, "in_90": 6},
    "T2": {"mmre": 0.3793877143, "mdmre": 0.4436974008, "pred25": 2 / 7, "mae": 28.36815417, "in_70": 4, "in_90": 5},
}
ROLLING_T1_FORECASTS = [194.5353345, 196.8639359, 381.3708213, 183.2634737, 955.3958376, 597.2495790, 1663.803583]

LOG_LOG = {"T1": {"r2": 0.9115422155, "median": 621.9402232}, "T2": {"r2": 0.8528997820, "median": 56.74992992}}
"""The line through ln y and ln x: its r2, and what it says at x = 386."""
