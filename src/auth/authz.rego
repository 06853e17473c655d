# Who may do what to which policy. Fixed: what differs from one deployment to the next is data.authz, made of the rules
# file. Nothing is allowed that no rule allows, for every single thing that is touched.
package edict.authz

import data.authz

decision := {"allow": allow, "rules": decided_by, "granted": granted, "uncovered": uncovered}

default allow := false

allow if {
	count(input.resources) > 0
	every resource in input.resources {
		count(covering(resource)) > 0
	}
	not four_eyes
}

# The ids of the rules that allow it, or what denies it.
decided_by contains id if {
	allow
	some resource in input.resources
	some id in covering(resource)
}

decided_by contains "edict:four-eyes" if four_eyes

decided_by contains "edict:default" if {
	not allow
	not four_eyes
}

# Rules that give this actor this action, of whatever they give it.
granted contains rule.id if some rule in held

# What of all that is touched no rule allows.
uncovered contains resource.key if {
	some resource in input.resources
	count(covering(resource)) == 0
}

# What the actor is known as to those who write down who made something: Git knows addresses.
names := {lower(name) |
	some name in array.concat(
		[input.actor.id],
		array.concat(object.get(input.actor, "emails", []), object.get(authz.emails, input.actor.id, [])),
	)
}

# Who made a change does not approve it, who locked does not unlock.
four_eyes if {
	input.action in {"approve", "unlock"}
	input.actor.kind != "break-glass"
	some resource in input.resources
	some maker in object.get(resource, "by", [])
	lower(maker) in names
	some pattern in authz.four_eyes
	regex.match(pattern, resource.key)
}

groups := {group | some group in input.actor.groups} | {group |
	some group, members in authz.groups
	input.actor.id in members
}

# Rules are for those who have a credential, and for those who are believed on the command line of the store.
held contains rule if {
	input.actor.kind in {"token", "oidc", "cli"}
	some rule in authz.rules
	input.action in rule.actions
	names_actor(rule)
}

names_actor(rule) if input.actor.id in rule.actors

names_actor(rule) if {
	some role in input.actor.roles
	role in rule.roles
}

names_actor(rule) if {
	some group in groups
	group in rule.groups
}

covering(resource) := {rule.id |
	some rule in held
	covers(rule.scope, resource)
} | {id | some id in own_part(resource)}

# What Edict does by itself.
own_part(resource) := {id |
	some id, part in parts
	input.actor.kind == part.kind
	input.action in part.actions
	is_own(id, resource)
}

parts := {
	"edict:background": {"kind": "system", "actions": ["apply", "approve", "rollback", "source"]},
	"edict:rules-file": {"kind": "system", "actions": ["admin"]},
	"edict:webhook": {"kind": "webhook", "actions": ["source"]},
	"edict:bootstrap": {"kind": "bootstrap", "actions": ["token"]},
	"edict:break-glass": {"kind": "break-glass", "actions": [
		"evaluate", "read", "export", "change", "lock", "unlock", "token",
		"apply", "approve", "rollback", "source", "admin",
	]},
}

is_own(id, _) if not id in {"edict:webhook", "edict:rules-file"}

# A file that has changed is taken up; nothing else is administered by itself.
is_own("edict:rules-file", resource) if resource.kind == "authz"

is_own("edict:webhook", resource) if input.actor.id == concat(":", ["webhook", resource.key])

# A scope: protected or not, patterns, and whether only the actor's own groups.
covers(scope, resource) if {
	is_of(scope.is, resource.key)
	matches(scope.patterns, resource)
	is_in_own_group(scope, resource)
	gives_no_more(scope, resource)
}

covers(_, resource) if resource.kind == "anything"

is_of("any", _)

is_of("protected", key) if is_protected(key)

is_of("unprotected", key) if not is_protected(key)

is_protected(key) if {
	some pattern in authz.protected
	regex.match(pattern, key)
}

matches([], _)

matches(patterns, resource) if {
	some pattern in patterns
	regex.match(pattern, resource.key)
}

is_in_own_group(scope, _) if not scope.own_groups

is_in_own_group(scope, resource) if {
	scope.own_groups
	resource.group in groups
}

# Who may make some tokens gives away no role or group that he has not.
gives_no_more(_, resource) if resource.kind != "token"

gives_no_more(scope, resource) if {
	resource.kind == "token"
	is_everything(scope)
}

gives_no_more(scope, resource) if {
	resource.kind == "token"
	not is_everything(scope)
	every role in object.get(resource, "roles", []) {
		role in input.actor.roles
	}
	every group in object.get(resource, "groups", []) {
		group in groups
	}
}

is_everything(scope) if {
	scope.is == "any"
	scope.patterns == []
	not scope.own_groups
}
