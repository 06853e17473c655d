# Attribute-based access control for records: clearance, department, and the hours at which a site is open.
#
# Input: {"user": {"clearance": "secret", "department": "research"}, "record": {"level": "internal",
#         "department": "research"}, "site": "harbour", "minute": 615}
package access.attributes

import data.lib.time_window

default allow := false

allow if count(deny) == 0

deny contains "the clearance is too low" if not cleared

deny contains "the record belongs to another department" if not same_department

deny contains "the site is closed" if not open

# Levels rank by their place in the list.
rank[level] := i if some i, level in data.levels

cleared if rank[input.user.clearance] >= rank[input.record.level]

same_department if input.user.department == input.record.department

# The auditors read everything.
same_department if input.user.department in data.auditors

open if time_window.within(input.minute, data.sites[input.site].hours)
