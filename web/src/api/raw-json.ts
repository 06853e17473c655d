/** JSON whose numbers stay as they were written: JavaScript would round a long one. */
interface Raw {
  readonly parse: (
    text: string,
    revive: (key: string, value: unknown, context?: { source?: string }) => unknown,
  ) => unknown
  readonly rawJSON?: (text: string) => unknown
}

const { parse, rawJSON } = JSON as unknown as Raw

/** To be printed again; numbers that a double cannot hold are no JavaScript numbers. */
export const readJson = (text: string): unknown =>
  parse(text, (_key, value, context) =>
    typeof value === 'number' &&
    context?.source !== undefined &&
    rawJSON !== undefined &&
    JSON.stringify(value) !== context.source
      ? rawJSON(context.source)
      : value,
  )
