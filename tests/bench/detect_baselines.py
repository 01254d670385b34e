"""Other people's rules, run in the same process on the same folders: as published where they are, else as described.

Each is a function of a folder that returns alarm days [S, T]; none sees the day that it judges when it learns.
"""

import importlib.util
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.bench.detect_folder import DAY, Folder, Values
from tests.bench.detect_score import Flags, score, scored_from

FEW = 30  # series for libraries that fit each series anew
Rule = Callable[[Folder], Flags]


def past(values: Values, width: int) -> Values:
    """[S, T, width]: the values before each position, NaN before the start."""
    before = np.full((values.shape[0], width), np.nan)
    return sliding_window_view(np.concatenate([before, values], axis=1), width, axis=1)[:, :-1]


def moments(values: Values, width: int) -> tuple[Values, Values, Values]:
    """Mean, sample deviation and number of the known values among the `width` before each."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)

    def summed(what: Values) -> Values:
        total = np.concatenate([np.zeros((len(what), 1)), np.cumsum(what, axis=1)], axis=1)
        low = np.maximum(np.arange(values.shape[1]) - width, 0)
        return np.asarray(total[:, :-1] - total[:, low])

    count = summed(known.astype(float))
    mean = summed(filled) / np.maximum(count, 1)
    spread = np.maximum(summed(filled**2) - count * mean**2, 0) / np.maximum(count - 1, 1)
    return mean, np.sqrt(spread), count


def nable(folder: Folder) -> Flags:
    """|z| > 2 and a deviation above 20 %, with at least 7 days of history and a mean of 5 dollars (30 days)."""
    mean, spread, count = moments(folder.values, 30)
    away = np.abs(folder.values - mean)
    return np.asarray((away > 2 * spread) & (away > 0.2 * mean) & (count >= 7) & (mean >= 5))


def nudgebee(folder: Folder) -> Flags:
    """z above 3 against the mean and deviation of 30 days."""
    mean, spread, count = moments(folder.values, 30)
    return np.asarray((folder.values - mean > 3 * spread) & (count >= 10))


def rolling(folder: Folder) -> Flags:
    """Three deviations from the mean of the last 28 steps, either way."""
    mean, spread, count = moments(folder.values, 28)
    return np.asarray((np.abs(folder.values - mean) > 3 * spread) & (count >= 10))


def aws_like(folder: Folder) -> Flags:
    """At least 40 % and 100 dollars above what the same weekday cost in four weeks and the last 14 days on average."""
    week = 7 * max(DAY // folder.step, 1)
    lags = [np.roll(folder.values, week * back, axis=1) for back in range(1, 5)]
    for back, lagged in enumerate(lags, start=1):
        lagged[:, : week * back] = np.nan
    stack = np.stack(lags)
    known = np.maximum((~np.isnan(stack)).sum(axis=0), 1)
    expected = np.maximum(np.nansum(stack, axis=0) / known, moments(folder.values, 2 * week)[0])
    over = folder.values - expected
    return np.asarray((over >= 100) & (over >= 0.4 * expected) & (np.arange(folder.values.shape[1]) >= 10))


def weekday_z(folder: Folder) -> Flags:
    """Above 3.5 robust deviations from the median of the same weekday in eight weeks."""
    week = 7 * max(DAY // folder.step, 1)
    found = np.zeros(folder.values.shape, dtype=bool)
    for slot in range(week):
        own = folder.values[:, slot::week]
        windows = past(own, 8)
        with np.errstate(all="ignore"):
            centre = _median(windows)
            spread = 1.4826 * _median(np.abs(windows - centre[..., None]))
        enough = (~np.isnan(windows)).sum(axis=-1) >= 4
        found[:, slot::week] = (np.abs(own - centre) > 3.5 * np.maximum(spread, 0.01 * np.abs(centre))) & enough
    return found


def _median(windows: Values) -> Values:
    ordered = np.sort(windows, axis=-1)
    known = (~np.isnan(windows)).sum(axis=-1)
    low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, windows.shape[-1] - 1)
    parts = [np.take_along_axis(ordered, place[..., None], -1)[..., 0] for place in (low, high)]
    return np.asarray((parts[0] + parts[1]) / 2)


def oracle(folder: Folder) -> Flags:
    """Knows the true mean and deviation of every day, sums up what persists, and has its threshold set in hindsight:
    what a rule could reach at most. Needs `ideal.csv`."""
    assert folder.mean is not None
    assert folder.sigma is not None
    low = 0.25
    with np.errstate(all="ignore"):
        away = np.log((np.maximum(folder.values, 0) + low) / (np.maximum(folder.mean, 0) + low)) / folder.sigma
    away = np.nan_to_num(away, posinf=0, neginf=0)
    rising, falling, lasting = np.zeros(len(away)), np.zeros(len(away)), np.zeros(away.shape)
    for column, step in enumerate(np.clip(away, -4, 4).T):
        rising = np.maximum(0, 0.97 * rising + step - 0.6)
        falling = np.maximum(0, 0.97 * falling - step - 0.6)
        lasting[:, column] = np.maximum(rising, falling)
    single = np.abs(away)
    tried = [(single > day) | (lasting > sums) for day in (3.5, 4, 4.5, 5, 6) for sums in (6, 8, 10, 12, 16)]
    return max(tried, key=lambda alarm: score(folder, alarm).f1)


def seasonal_naive(folder: Folder) -> Flags:
    """statsforecast: outside the 99.9 % interval of SeasonalNaive, fitted anew each week, on the first series."""
    from statsforecast.models import SeasonalNaive  # type: ignore[import-not-found]

    found = np.zeros(folder.values.shape, dtype=bool)
    for row in range(min(FEW, len(found))):
        values = np.nan_to_num(folder.values[row])
        for start in range(scored_from(folder), len(values), 7):
            model = SeasonalNaive(season_length=7).fit(values[max(start - 120, 0) : start])
            told = model.predict(h=min(7, len(values) - start), level=[99.9])
            days = slice(start, start + len(told["mean"]))
            found[row, days] = (values[days] > told["hi-99.9"]) | (values[days] < told["lo-99.9"])
    return found


def prophet(folder: Folder) -> Flags:
    """Prophet: outside the 99.5 % interval, fitted anew every four weeks, on the first series."""
    import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]
    from prophet import Prophet  # type: ignore[import-not-found]

    found = np.zeros(folder.values.shape, dtype=bool)
    begin = folder.first_day.replace(tzinfo=None)
    days = pd.date_range(begin, periods=folder.values.shape[1], freq="D")
    for row in range(min(FEW, len(found))):
        values = folder.values[row]
        for start in range(scored_from(folder), len(values), 28):
            known = pd.DataFrame({"ds": days[:start], "y": values[:start]}).dropna()
            if len(known) < 30:
                continue
            model = Prophet(interval_width=0.995, weekly_seasonality=True).fit(known)
            told = model.predict(pd.DataFrame({"ds": days[start : start + 28]}))
            here = values[start : start + 28]
            found[row, start : start + 28] = (here > told["yhat_upper"]) | (here < told["yhat_lower"])
    return found


def rules(folder: Folder) -> dict[str, tuple[Rule, int]]:
    """The rules that can run here, with the number of series that each looks at (0: all)."""
    found: dict[str, tuple[Rule, int]] = {
        "nable": (nable, 0),
        "nudgebee": (nudgebee, 0),
        "AWS-like": (aws_like, 0),
        "weekday z": (weekday_z, 0),
        "mean and deviation": (rolling, 0),
    }
    if importlib.util.find_spec("statsforecast"):
        found["statsforecast"] = (seasonal_naive, FEW)
    if importlib.util.find_spec("prophet"):
        found["Prophet"] = (prophet, FEW)
    if folder.mean is not None:
        found["oracle"] = (oracle, 0)
    return found
