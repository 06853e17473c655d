/**
 * The documents that references may lead to: the schema itself, parts of it that have an id, and the meta-schemas, which
 * are kept here. Nothing else is ever fetched, neither from a host nor from a file.
 */
import { parseJson } from '../../parse-json.ts'
import { isList, isObject, toJson, type Json, type JsonObject } from './json.ts'
import { metaSchemas } from './meta-schemas.ts'
import { SchemaError } from './reading.ts'
import { followPointer, readReference, resolveReference, type Reference } from './reference.ts'
import type { Draft } from './schema.ts'

export interface SchemaDocument {
  readonly node: Json
  /** As its root declares it. */
  readonly draft: Draft | undefined
}

export interface Documents {
  readonly find: (reference: Reference) => SchemaDocument
  /** `$ref` of a node, resolved against the ids around it. */
  readonly referenceOf: (node: JsonObject) => string | undefined
}

const drafts: Readonly<Record<string, Draft>> = {
  'http://json-schema.org/draft-04/schema': 4,
  'http://json-schema.org/draft-06/schema': 6,
  'http://json-schema.org/draft-07/schema': 7,
}

/** Undefined where the schema does not say, or names another one. */
export function draftOf(root: Json): Draft | undefined {
  if (typeof root === 'boolean') return undefined
  if (!isObject(root)) throw new SchemaError('schema is invalid')
  const declared = root.get('$schema')
  if (declared === undefined) return undefined
  if (typeof declared !== 'string') throw new SchemaError('$schema must be of type string')
  return drafts[readReference(declared).text]
}

export function createDocuments(root: Json): Documents {
  const known = new Map<string, SchemaDocument>()
  const references = new WeakMap<JsonObject, string>()

  function add(node: Json, own: Reference): void {
    const draft = draftOf(node)
    visit(node, own, draft)
    known.set(own.text, { node, draft })
  }

  /** Errors are left to the reading of the schema. */
  function visit(node: Json, base: Reference, draft: Draft | undefined): void {
    if (isList(node)) return node.forEach((one) => visit(one, base, draft))
    if (!isObject(node)) return
    const inner = identify(node, base, draft)
    const target = node.get('$ref')
    const resolved = typeof target === 'string' ? tryResolve(inner, target) : undefined
    if (resolved !== undefined) references.set(node, resolved.text)
    for (const [key, one] of node) {
      if (key === 'const' || key === 'enum') continue
      // Their members are named by the author: `$ref` and `id` mean nothing among them.
      if (!named.has(key)) visit(one, inner, draft)
      else if (isObject(one)) for (const schema of one.values()) visit(schema, inner, draft)
    }
  }

  /** The base of what stands inside of a node. */
  function identify(node: JsonObject, base: Reference, draft: Draft | undefined): Reference {
    const id = node.get(node.has('id') ? 'id' : '$id')
    const own = typeof id === 'string' ? tryResolve(base, id) : undefined
    if (own === undefined) return base
    if (known.has(own.text)) throw new SchemaError(`Reference already exists: "${own.text}"`)
    known.set(own.text, { node, draft })
    return own
  }

  function find(reference: Reference): SchemaDocument {
    const itself = known.get(reference.text)
    if (itself !== undefined) return itself
    const document = known.get(reference.document) ?? load(reference)
    const found = { node: followPointer(reference.pointer, document.node), draft: document.draft }
    known.set(reference.text, found)
    return found
  }

  function load({ text, document, isAbsolute }: Reference): SchemaDocument {
    if (!isAbsolute) throw new SchemaError(`Reference ${text} must be canonical`)
    const source = metaSchemas[document]
    if (source === undefined) throw new SchemaError(`remote reference loading disabled: ${document}`)
    const node = toJson(parseJson(source))
    add(node, readReference(document))
    return { node, draft: draftOf(node) }
  }

  add(root, readReference('#'))
  return { find, referenceOf: (node) => references.get(node) }
}

const named = new Set(['properties', 'dependencies', 'patternProperties'])

function tryResolve(base: Reference, text: string): Reference | undefined {
  try {
    return resolveReference(base, readReference(text))
  } catch {
    return undefined
  }
}
