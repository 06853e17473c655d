/** What MongoDB itself refuses to store: a JSON schema per collection, for those who write past Edict. */
import type { Document } from 'mongodb'
import { planStatuses } from '../policy/plan-document.ts'
import type { CollectionName } from './collections.ts'

const text = { bsonType: 'string' }
const textOrNull = { bsonType: ['string', 'null'] }
const date = { bsonType: 'date' }
const dateOrNull = { bsonType: ['date', 'null'] }
const number = { bsonType: 'number' }
const numberOrNull = { bsonType: ['number', 'null'] }
const objectOrNull = { bsonType: ['object', 'null'] }
const list = { bsonType: 'array' }
const storedText = { bsonType: ['string', 'object'] }
const status = {
  bsonType: 'object',
  required: ['phase', 'findings', 'since'],
  properties: { phase: { enum: ['Ready', 'Quarantined'] }, findings: list, since: date },
}

const every = (properties: Document): Document => ({
  $jsonSchema: { bsonType: 'object', required: Object.keys(properties), properties },
})

export const validators: Readonly<Record<CollectionName, Document>> = {
  policies: every({
    _id: { bsonType: 'string', pattern: '^[^/]+/[^/]+/[^/]+$' },
    repository: text,
    group: text,
    name: text,
    version: text,
    rego: storedText,
    data: { bsonType: ['string', 'object', 'null'] },
    files: list,
    regoVersion: { enum: [0, 1] },
    digest: text,
    inputs: text,
    artifact: objectOrNull,
    commit: text,
    author: textOrNull,
    status,
    updated: date,
    revision: number,
  }),
  modules: every({
    _id: text,
    repository: text,
    kind: { enum: ['module', 'data'] },
    id: text,
    path: text,
    text: storedText,
    digest: text,
    commit: text,
    author: textOrNull,
    status,
    updated: date,
    revision: number,
  }),
  packages: every({
    _id: text,
    path: list,
    repository: text,
    sources: list,
    digest: text,
    inputs: text,
    artifact: objectOrNull,
    sharedData: textOrNull,
    commit: text,
    status,
    updated: date,
    revision: number,
  }),
  rules: every({
    _id: text,
    service_name: text,
    resource_type: text,
    role: text,
    action: text,
    is_active: { bsonType: 'bool' },
    created_at: date,
    created_by: text,
    updated_at: date,
    updated_by: text,
    revision: number,
  }),
  locks: every({ _id: text, actor: text, reason: textOrNull, since: date, until: dateOrNull }),
  head: every({ _id: { enum: ['head'] }, sequence: number, revision: number, auditHash: text }),
  sources: every({
    _id: text,
    kind: text,
    location: text,
    phase: { enum: ['Ready', 'Reconciling', 'Stalled'] },
    reason: text,
    message: text,
    findings: list,
    counts: { bsonType: 'object' },
  }),
  revisions: every({
    _id: number,
    at: date,
    sources: list,
    created: list,
    replaced: list,
    removed: list,
    policies: number,
    plan: text,
  }),
  versions: every({
    _id: text,
    kind: { enum: ['policy', 'module'] },
    key: text,
    from: number,
    to: numberOrNull,
    document: { bsonType: 'object' },
  }),
  plans: every({
    _id: text,
    digest: text,
    kind: { enum: ['sync', 'rollback'] },
    baseRevision: number,
    sources: list,
    subject: list,
    changes: { bsonType: 'object' },
    diffs: storedText,
    findings: list,
    requests: list,
    status: { enum: [...planStatuses] },
    message: text,
    createdAt: date,
    decidedAt: dateOrNull,
    decidedBy: textOrNull,
    revision: numberOrNull,
  }),
  holds: every({
    _id: text,
    kind: { enum: ['rejected', 'rollback'] },
    commit: textOrNull,
    revision: numberOrNull,
    plan: text,
    actor: text,
    reason: textOrNull,
    at: date,
  }),
  audit: every({
    _id: number,
    at: date,
    actor: textOrNull,
    from: textOrNull,
    action: text,
    resource: text,
    details: { bsonType: 'object' },
    changes: list,
    salts: { bsonType: 'object' },
    sealed: { bsonType: 'object' },
    hash: text,
  }),
  blobs: every({
    _id: text,
    size: number,
    bytes: { bsonType: ['binData', 'null'] },
    file: textOrNull,
    touched: date,
  }),
  requests: every({ _id: text, at: date, reason: text, source: textOrNull, commit: textOrNull, outcome: objectOrNull }),
  lease: every({ _id: { enum: ['cycle', 'writer'] }, holder: textOrNull, token: number, expires: date }),
  replicas: every({ _id: text, host: text, pid: number, sequence: number, at: date }),
}
