/** What policies may know of the server: its labels, and neither its environment nor its configuration. */
import type { PureExtension } from '../extension.ts'
import { any, objectOf, pure, string } from './types.ts'
import { objectOf as object } from './values.ts'

export const runtime: readonly PureExtension[] = [
  pure(
    'opa.runtime',
    [],
    objectOf(string, any),
    'The labels of this server, where OPA has them: `config.labels`.',
    (_, context) => {
      const { labels } = context
      return object(Object.keys(labels).length === 0 ? {} : { config: object({ labels: object(labels) }) })
    },
  ),
]
