package lib.time_window_test

import data.lib.time_window

test_by_day if {
	time_window.within(480, {"from": 480, "to": 1080})
	not time_window.within(1080, {"from": 480, "to": 1080})
}

test_over_midnight if {
	every minute in [1320, 1439, 0, 359] { time_window.within(minute, {"from": 1320, "to": 360}) }
	every minute in [360, 720, 1319] { not time_window.within(minute, {"from": 1320, "to": 360}) }
}
