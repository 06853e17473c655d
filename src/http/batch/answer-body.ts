/** The pieces of an answer as the body of a response: a stream that makes no piece before it is asked for. */
export const streamOf = (
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  cancelled: () => void,
): ReadableStream<Uint8Array> =>
  new ReadableStream(
    {
      pull: async (controller) => {
        const { done, value } = await pieces.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => {
        cancelled()
        await pieces.return()
      },
    },
    { highWaterMark: 0 },
  )

/** The whole of it when it is short; else what there is so far, and the rest to follow. */
export const gather = async (
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  most: number,
): Promise<{ readonly whole: Buffer } | { readonly begun: AsyncGenerator<Uint8Array, void, undefined> }> => {
  const held: Uint8Array[] = []
  for (let size = 0; size <= most;) {
    const { done, value } = await pieces.next()
    if (done === true) return { whole: Buffer.concat(held) }
    held.push(value)
    size += value.length
  }
  return { begun: followedBy(held, pieces) }
}

async function* followedBy(
  held: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* held
  yield* rest
}
