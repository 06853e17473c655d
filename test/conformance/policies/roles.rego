package generated

default allow := false

allow if {
	some role in data.users[input.user].roles
	some grant in data.grants[role]
	grant.action == input.action
	startswith(input.path, grant.under)
}

allow if data.users[input.user].admin

reasons contains role if {
	some role, grants in data.grants
	some grant in grants
	grant.action in {input.action, "any"}
}

roles := data.users[input.user].roles

missing := {action | some action in data.actions; not granted(action)}

granted(action) if {
	some role in roles
	some grant in data.grants[role]
	grant.action == action
}
