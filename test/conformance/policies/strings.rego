package generated

s := input.s

t := input.t

parts := split(s, t)

replaced := replace(s, t, "<>")

found := indexof(s, t)

tests := [contains(s, t), startswith(s, t), endswith(s, t)]

trims := [trim(s, t), trim_left(s, t), trim_right(s, t), trim_prefix(s, t), trim_suffix(s, t), trim_space(s)]

joined := [concat(t, [s, s, "-"]), concat(t, {s, "b", "a"})]

part := substring(s, input.from, input.length)

reversed := strings.reverse(s)

counted := count(s)

encoded := [base64.encode(s), base64url.encode(s), urlquery.encode(s)]

decoded := [base64.decode(base64.encode(s)), base64.decode(t)]

ordered := sort([s, t, "a", "é", "z", "😀"])

smaller := s < t

matched := regex.match(`^[a-z]+$`, s)

pieces := regex.find_all_string_submatch_n(`[a-z]([0-9])?`, s, -1)

cased := [upper(s), lower(s)]

glob_matched := glob.match("*", ["."], s)
