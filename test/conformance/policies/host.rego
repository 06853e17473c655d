package generated

# Builtins that the host serves, and what depends on the version of Unicode.

s := input.s

n := input.n

cases := [upper(s), lower(s)]

printed := sprintf("%v|%s|%d|%5.2f|%q|%x", [s, s, n, n, s, n])

any_printed := sprintf("%v", [input.value]) if is_string(s)

prefixed := strings.any_prefix_match(s, ["a", "b", "é"])

suffixed := strings.any_suffix_match(s, {"a", "b", "é"})

counted := strings.count(s, "a")

places := indexof_n(s, "a")

query := urlquery.encode(s)

decoded_query := urlquery.decode(s)

object_query := urlquery.encode_object({"k": s})

escaped := glob.quote_meta(s)

pieces := regex.split(`[-_ /]`, s)

replaced := regex.replace(s, `([a-z])`, "<$1>")

found := regex.find_n(`[a-z]+`, s, 2)

size := units.parse(input.size)

bytes := units.parse_bytes(input.size)

hexed := hex.encode(s)

stepped := numbers.range_step(n, n + 10, 3)

day := time.weekday(n * 1000000000)

moment := time.format(n * 1000000000)

clock := time.clock([n * 1000000000, "Europe/Berlin"])

later := time.add_date(n * 1000000000, 1, 2, 3)

parsed := time.parse_rfc3339_ns(input.time)

duration := time.parse_duration_ns(input.duration)

ordered := semver.compare(input.version, "1.2.3")

is_version := semver.is_valid(input.version)

patched := json.patch({"a": [1, 2]}, [{"op": "add", "path": "/a/0", "value": input.value}])

subset := object.subset(input.value, input.other)

merged := net.cidr_merge(input.networks)

valid_network := [net.cidr_is_valid(x) | some x in input.networks]

address := uri.parse(input.uri)
