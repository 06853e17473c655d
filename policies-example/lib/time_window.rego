# A shared module: policies import it as `data.lib.time_window`, and are rebuilt when it changes.
package lib.time_window

# Minutes of a day, from 0 to 1439. `to` itself is outside; a window with `from` after `to` goes over midnight.
within(minute, window) if {
	window.from <= window.to
	window.from <= minute
	minute < window.to
}

within(minute, window) if {
	window.from > window.to
	minute >= window.from
}

within(minute, window) if {
	window.from > window.to
	minute < window.to
}
