/** JSON as people read it, on several lines, every number as it was written: JavaScript would round a long one. */
interface Raw {
  readonly parse: (
    text: string,
    revive: (key: string, value: unknown, context?: { source?: string }) => unknown,
  ) => unknown
  readonly rawJSON?: (text: string) => unknown
}

const { parse, rawJSON } = JSON as unknown as Raw

export const prettyJson = (text: string): string => {
  const exact = parse(text, (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined && rawJSON !== undefined
      ? rawJSON(context.source)
      : value,
  )
  return JSON.stringify(exact, null, 2)
}
