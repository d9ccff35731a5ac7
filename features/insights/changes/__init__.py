"""What is changing: departures from what was to be expected, and forecasts.

1. `measure` counts volume, contacts, conversion and value per day in DuckDB; a `series` is one such figure of one part.
2. `season` and `level` say what was to be expected of each point from the points before it, `chance` how far it may be off.
3. `anomalies` finds the spans that chance makes hardly ever, `lasting` how long each lasts; `events` tells what shows in many
   series once.
4. `smoothing` and `plain` continue series without their outliers; `forecasts` chooses between them and tries them.
5. `tables`, `sections` and `page` tell it.
"""

from features.insights.changes.anomalies import Anomaly, Judged, Kind, judge
from features.insights.changes.forecasts import Forecast, forecast
from features.insights.changes.page import changes_page
from features.insights.changes.series import Measure, Part, Series

__all__ = ["Anomaly", "Forecast", "Judged", "Kind", "Measure", "Part", "Series", "changes_page", "forecast", "judge"]
