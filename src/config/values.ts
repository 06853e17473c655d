/** How sizes, durations and secrets are written in the configuration. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import type { Secret } from '../config.ts'

const units = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 } as const
const spans = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 } as const

const scaled = (table: Readonly<Record<string, number>>, text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]*)$/.exec(text.trim())
  if (match?.[1] === undefined) return undefined
  const factor = table[(match[2] ?? '').toLowerCase()]
  return factor === undefined ? undefined : Math.round(Number(match[1]) * factor)
}

const scaledSchema = (table: Readonly<Record<string, number>>, example: string) =>
  z.union([z.string(), z.number()]).transform((written, context) => {
    const value = scaled(table, String(written))
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: `is not ${example}` })
    return z.NEVER
  })

/** `1MB`, `512KiB`, `1000`: bytes. */
export const size = scaledSchema({ ...units, '': 1 }, 'a size such as 1MB or 512KiB')

/** `60s`, `5m`, `250ms`: milliseconds. A bare number is refused: its unit would be a guess. */
export const duration = scaledSchema(spans, 'a duration such as 60s, 5m or 250ms')

export const count = z.coerce.number().int().positive()

/** `auto` or a number of processes. */
export const processes = z.union(
  [z.literal('auto').transform(() => availableParallelism()), z.coerce.number().int().min(1).max(256)],
  'is neither auto nor a number from 1 to 256',
)

export const countOrNone = z.coerce.number().int().min(0)

/** `[a, b]`, or `a, b`. */
export const words = z
  .union([z.string(), z.array(z.string())])
  .transform((written) => (typeof written === 'string' ? written.split(',') : written))
  .transform((all) => all.map((word) => word.trim()).filter((word) => word !== ''))

/** Those with a key pair: with a shared secret, who can check a token could make one. */
const signatures = new Set('RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '))

export const algorithms = words.refine(
  (names) => names.length > 0 && names.every((name) => signatures.has(name)),
  `may name ${[...signatures].join(', ')}`,
)

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
}

export const networks = words.refine(
  (all) => all.every(isNetwork),
  'may name addresses and networks such as 10.0.0.0/8',
)

/** Without TLS, who sits in between could hand out keys of their own. */
export const issuerUrl = z.string().refine((text) => {
  if (text === '') return true
  if (!URL.canParse(text)) return false
  const { protocol, hostname, search, hash } = new URL(text)
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
  return search === '' && hash === '' && (protocol === 'https:' || (protocol === 'http:' && isLoopback))
}, 'is not an https address without query (http is for loopback)')

/** What the console says itself when it sends somebody to the provider. */
const ownParameters = new Set(
  'client_id response_type response_mode redirect_uri scope state nonce code_challenge code_challenge_method request request_uri'.split(
    ' ',
  ),
)

/** `resource=https://edict.example.org&acr_values=2`: as in a query. */
export const requestParameters = z.string().transform((text, context) => {
  const all = [...new URLSearchParams(text)]
  const wrong = all.find(([name, value], at) => {
    return name === '' || value === '' || ownParameters.has(name) || all.findIndex(([other]) => other === name) < at
  })
  if (wrong === undefined) return Object.fromEntries(all)
  const message = `is not a query such as resource=https://edict.example.org, with names that the console does not set itself: ${wrong[0]}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** Work of one evaluation: what the meter can count. */
export const budgetUnits = count.max(2_147_483_647)

/** `/api,/auth-api/api`, or a list of such. */
export const paths = z
  .union([z.array(z.string()), z.string()])
  .transform((list) => (typeof list === 'string' ? list.split(',') : list).map((path) => path.trim()))
  .pipe(z.array(z.string().regex(/^(?:\/[A-Za-z0-9._-]+)+$/, 'is not a list of paths such as /api')))

export const flag = z.union([z.boolean(), z.enum(['true', 'false', '1', '0', 'yes', 'no'])]).transform((value) => {
  return typeof value === 'boolean' ? value : ['true', '1', 'yes'].includes(value)
})

/** A secret stands in the environment or in a file, never in the configuration itself. */
export const secretReference = z
  .strictObject(
    { env: z.string().min(1).optional(), file: z.string().min(1).optional() },
    { error: 'is a secret: name where it stands, { env: NAME } or { file: path }' },
  )
  .refine(({ env, file }) => (env === undefined) !== (file === undefined), 'give one of env and file')

export const secretOf = (value: string): Secret => {
  const hidden = () => '[secret]'
  return Object.freeze({ reveal: () => value, toJSON: hidden, toString: hidden })
}

/** The value that a reference names, or the reason why there is none. */
export const readSecret = (
  reference: z.infer<typeof secretReference>,
  env: Readonly<Record<string, string | undefined>>,
): Secret | { readonly problem: string } => {
  if (reference.env !== undefined) {
    const value = env[reference.env]
    if (value === undefined || value === '') return { problem: `the environment variable ${reference.env} is not set` }
    return secretOf(value)
  }
  const file = reference.file ?? ''
  try {
    const value = readFileSync(file, 'utf8').trim()
    return value === '' ? { problem: `${file} is empty` } : secretOf(value)
  } catch (error) {
    return { problem: `${file} cannot be read (${error instanceof Error ? error.message : String(error)})` }
  }
}
