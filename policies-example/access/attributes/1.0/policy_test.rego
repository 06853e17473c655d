package access.attributes_test

import data.access.attributes

facts := {
	"user": {"clearance": "internal", "department": "research"},
	"record": {"level": "internal", "department": "research"},
	"site": "harbour",
	"minute": 615,
}

changed(change) := object.union(facts, change)

decide(request) := {"allow": allow, "deny": deny} if {
	allow := attributes.allow with input as request with data.levels as levels with data.sites as sites
	deny := attributes.deny with input as request with data.levels as levels with data.sites as sites
}

levels := ["public", "internal", "secret"]

sites := {"harbour": {"hours": {"from": 480, "to": 1080}}}

test_all_attributes_fit if decide(facts) == {"allow": true, "deny": set()}

test_clearance if {
	decide(changed({"record": {"level": "secret"}})).deny == {"the clearance is too low"}
	decide(changed({"user": {"clearance": "none"}})).deny == {"the clearance is too low"}
}

test_department if {
	decide(changed({"user": {"department": "sales"}})).deny == {"the record belongs to another department"}
	decide(changed({"user": {"department": "audit"}})).allow with data.auditors as ["audit"]
}

test_hours if {
	decide(changed({"minute": 1100})).deny == {"the site is closed"}
	decide(changed({"site": "nowhere"})).deny == {"the site is closed"}
}

test_nothing_known_is_denied if not decide({}).allow
