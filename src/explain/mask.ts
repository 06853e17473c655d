/**
 * Secrets in what is shown: what stands under a name that says so, such header values, tokens by their look, and every
 * text that repeats one of them or a part of it.
 */
import { RegoNumber } from '../../extensions/extension.ts'
import { printExact } from './exact-json.ts'
import type { SeenView } from './view.ts'

export const masked = '***'

const secretName =
  /pass(?:word|wd|phrase)|secret|token|api[-_]?key|private[-_]?key|credential|authorization|cookie|signature|^(?:pwd|pin|otp|jwt)$/i
/** Other numbers, a rank under `secret` say, are none. */
const secretNumber = /^(?:pin|otp|pwd|password|passcode)$/i
/** JSON Web Tokens, and those of this server. */
const secretLook = /\b(?:eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|edict_[A-Za-z0-9]+_[A-Za-z0-9]{8,})/

export const isSecretName = (name: string): boolean => secretName.test(name)

/** The last name in an expression: `input.user.password`, `get_header("Authorization")`. */
export const namesSecret = (expression: string): boolean =>
  isSecretName(/([A-Za-z_][\w-]*)["`\])\s]*$/.exec(expression)?.[1] ?? '')

export interface Mask {
  readonly text: (text: string) => string
  /** Any JSON value; numbers may be exact. */
  readonly value: (value: unknown) => unknown
  /** Values of expressions that are looked at together: next to a secret each text is one, being compared with it. */
  readonly shown: (seen: readonly SeenView[]) => readonly SeenView[]
}

export interface MaskOptions {
  /** As JSON; undefined: none. */
  readonly input: unknown
  readonly headers: Readonly<Record<string, string>>
}

export function createMask({ input, headers }: MaskOptions): Mask {
  const secrets = new Set<string>()
  const learn = (text: string): void => {
    if (text.length >= shortest) secrets.add(text)
  }
  /** What it is made of is secret, too: the token after its scheme, the password of `Basic`. */
  const learnHeader = (text: string): void => {
    for (const part of [text, ...text.split(/[\s;,]+/)]) learn(part)
    const basic = /^Basic\s+(\S+)/i.exec(text)?.[1]
    if (basic !== undefined) {
      const plain = Buffer.from(basic, 'base64').toString()
      for (const part of [plain, plain.slice(plain.indexOf(':') + 1)]) learn(part)
    }
  }
  const look = (value: unknown, isSecret: boolean): void => {
    if (typeof value === 'string') return void (isSecret && learn(value))
    if (typeof value !== 'object' || value === null) return
    for (const [key, member] of Object.entries(value)) look(member, isSecret || isSecretName(key))
  }
  look(input, false)
  for (const [name, value] of Object.entries(headers)) if (isSecretName(name)) learnHeader(value)
  const known = [...secrets].toSorted((a, b) => b.length - a.length)

  const hide = (text: string): string => {
    if (secretLook.test(text)) return masked
    if (text.length >= longPart && known.some((secret) => secret.includes(text))) return masked
    return known.reduce((shown, secret) => shown.replaceAll(secret, masked), text)
  }
  const walk = (value: unknown, isSecret: boolean): unknown => {
    if (typeof value === 'string') return isSecret && value !== '' ? masked : hide(value)
    if (Array.isArray(value)) return value.map((item: unknown) => walk(item, isSecret))
    if (typeof value !== 'object' || value === null || value instanceof RegoNumber) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        hide(key),
        isNumber(member) && secretNumber.test(key) ? masked : walk(member, isSecret || isSecretName(key)),
      ]),
    )
  }
  return {
    text: hide,
    value: (value) => walk(value, false),
    shown: (seen) => {
      const holds = (texts: unknown): boolean => printExact(walk(texts, false)) !== printExact(texts)
      const isSecret = seen.some(({ expression, values }) => namesSecret(expression) || holds(values))
      return seen.map(({ expression, values }) => ({
        expression,
        values: values.map((value) => walk(value, isSecret)),
      }))
    },
  }
}

const isNumber = (value: unknown): boolean => typeof value === 'number' || value instanceof RegoNumber

const shortest = 4
/** Shorter texts occur in a secret by chance. */
const longPart = 8
