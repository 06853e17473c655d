package generated

a := input.a

b := input.b

calculated := [a + b, a - b, a * b]

quotient := a / b

remainder := a % b

sizes := [abs(a), ceil(a), floor(a), round(a)]

compared := [a < b, a <= b, a == b, a != b, a > b, a >= b]

summed := sum(input.list)

multiplied := product(input.list)

bits_and := bits.and(a, b)

bits_or := bits.or(a, b)

bits_xor := bits.xor(a, b)

negated := bits.negate(a)

counted := numbers.range(b, b + 5)

texts := [format_int(a, 10), format_int(a, 16), format_int(b, 2)]

read := to_number(input.text)

twice := to_number(input.text) * 2
