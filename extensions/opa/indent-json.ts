/** Go's `json.Indent` over compact JSON: one member a line, the prefix before each, empty objects and arrays closed at once. */

export interface IndentOptions {
  readonly prefix: string
  readonly indent: string
}

const token = /"(?:[^"\\]|\\.)*"|\{\}|\[\]|[[\]{},:]|[^"[\]{},:]+/g

export function indentJson(json: string, { prefix, indent }: IndentOptions): string {
  let depth = 0
  const line = (): string => `\n${prefix}${indent.repeat(depth)}`
  const body = json.replace(token, (found) => {
    switch (found) {
      case '{':
      case '[':
        depth++
        return found + line()
      case '}':
      case ']':
        depth--
        return line() + found
      case ',':
        return found + line()
      case ':':
        return ': '
      default:
        return found
    }
  })
  return prefix + body
}
