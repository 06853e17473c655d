/** Every plain key of the configuration: where it stands in `edict.yaml`, its variable, schema, default and doc. */
import { z } from 'zod'
import { allowList } from './outbound.ts'
import {
  algorithms,
  budgetUnits,
  count,
  countOrNone,
  duration,
  flag,
  issuerUrl,
  networks,
  paths,
  processes,
  size,
  words,
} from './values.ts'

export interface Key<T> {
  /** Dotted place in `edict.yaml`. */
  readonly path: string
  readonly env: string
  readonly schema: z.ZodType<T>
  /** As it would be written in the file. */
  readonly default: string | number | boolean
  readonly doc: string
}

const key = <T>(spec: Key<T>): Key<T> => spec

export const keys = {
  port: key({
    path: 'server.port',
    env: 'PORT',
    schema: z.coerce.number().int().min(0).max(65535),
    default: 8081,
    doc: 'Port to listen on; 0 takes any free one.',
  }),
  host: key({
    path: 'server.host',
    env: 'EDICT_HOST',
    schema: z.string().min(1),
    default: '127.0.0.1',
    doc: 'Address to listen on. Anything but loopback needs `EDICT_AUTH=open` while no credential is configured.',
  }),
  shutdown: key({
    path: 'server.shutdown',
    env: 'EDICT_SHUTDOWN',
    schema: duration,
    default: '10s',
    doc: 'How long requests in flight may take to finish after SIGTERM.',
  }),
  workers: key({
    path: 'server.workers',
    env: 'EDICT_WORKERS',
    schema: processes,
    default: 1,
    doc: 'Processes that answer on the port: a number, or `auto` for one per core. Each keeps the policies that it answers for in its own memory. 1: this process, and no other.',
  }),
  stale: key({
    path: 'server.stale',
    env: 'EDICT_STALE',
    schema: z.enum(['serve', 'refuse']),
    default: 'serve',
    doc: 'What a server does that has lost MongoDB: `serve` answers from what it has and says so in `x-edict-stale`; `refuse` answers 503.',
  }),
  data: key({
    path: 'data',
    env: 'EDICT_DATA',
    schema: z.string().min(1),
    default: '.edict',
    doc: 'One folder for the embedded database, Git mirrors, caches and state. A second server needs its own.',
  }),
  uri: key({
    path: 'store.uri',
    env: 'MONGODB_URI',
    schema: z.string(),
    default: '',
    doc: 'MongoDB replica set. Empty: an embedded `mongod` in the data folder.',
  }),
  database: key({
    path: 'store.database',
    env: 'MONGODB_DATABASE',
    schema: z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, 'is not a database name'),
    default: 'edict',
    doc: 'Database name.',
  }),
  auth: key({
    path: 'auth.mode',
    env: 'EDICT_AUTH',
    schema: z.enum(['open', 'required', '']),
    default: '',
    doc: '`required`: ask for credentials. `open` said explicitly: listen on other addresses than loopback without asking for credentials; the server warns at each start. Empty: credentials are required once `auth.oidc` or `auth.bootstrap` is configured or a token was ever made, for good.',
  }),
  policyFile: key({
    path: 'policy.file',
    env: 'EDICT_POLICY_FILE',
    schema: z.string(),
    default: '',
    doc: 'Rules that say who may do what; see [authorization.md](authorization.md). With it credentials are required. Taken up while servers run. Empty: what is shipped decides.',
  }),
  policyTests: key({
    path: 'policy.tests',
    env: 'EDICT_POLICY_TESTS',
    schema: z.string(),
    default: '',
    doc: 'Tests of those rules, run by `edict policy test`; see [authorization.md](authorization.md#tests-of-the-rules).',
  }),
  authEvaluate: key({
    path: 'auth.evaluate',
    env: 'EDICT_AUTH_EVALUATE',
    schema: words,
    default: '',
    doc: 'Groups of policies that are evaluated with a credential only (`[payments, hr]`). Empty: evaluation is open.',
  }),
  authFailures: key({
    path: 'auth.maxFailures',
    env: 'EDICT_AUTH_MAX_FAILURES',
    schema: countOrNone,
    default: 20,
    doc: 'Credentials that are not good, a minute, of each client address, in each process; above it 429 `rate_limited`. 0: any number.',
  }),
  authMutations: key({
    path: 'auth.maxMutations',
    env: 'EDICT_AUTH_MAX_MUTATIONS',
    schema: countOrNone,
    default: 600,
    doc: 'Requests that change something, a minute, of each actor and of each client address, in each process, where credentials are required; above it 429 `rate_limited`. 0: any number.',
  }),
  oidcIssuer: key({
    path: 'auth.oidc.issuer',
    env: 'EDICT_OIDC_ISSUER',
    schema: issuerUrl,
    default: '',
    doc: 'Identity provider whose signed tokens are taken: its issuer, below which `/.well-known/openid-configuration` lies. `https`, or `http` on loopback.',
  }),
  oidcAudience: key({
    path: 'auth.oidc.audience',
    env: 'EDICT_OIDC_AUDIENCE',
    schema: z.string(),
    default: '',
    doc: 'The audience (`aud`) that a token must have been issued for.',
  }),
  oidcAlgorithms: key({
    path: 'auth.oidc.algorithms',
    env: 'EDICT_OIDC_ALGORITHMS',
    schema: algorithms,
    default: 'RS256, PS256, ES256, EdDSA',
    doc: 'Signatures that are taken. Never `none`, never one with a shared secret.',
  }),
  oidcSkew: key({
    path: 'auth.oidc.clockSkew',
    env: 'EDICT_OIDC_CLOCK_SKEW',
    schema: duration,
    default: '30s',
    doc: 'How far the clocks of the provider and of this server may lie apart.',
  }),
  oidcKeysFor: key({
    path: 'auth.oidc.keysFor',
    env: 'EDICT_OIDC_KEYS_FOR',
    schema: duration,
    default: '1h',
    doc: 'How long keys are good that cannot be fetched anew, because the provider is down. They are fetched every five minutes, and when a token names an unknown one.',
  }),
  oidcActor: key({
    path: 'auth.oidc.claims.actor',
    env: 'EDICT_OIDC_CLAIM_ACTOR',
    schema: z.string().min(1),
    default: 'sub',
    doc: 'The claim that names the actor. Take one that users cannot choose themselves.',
  }),
  oidcRoles: key({
    path: 'auth.oidc.claims.roles',
    env: 'EDICT_OIDC_CLAIM_ROLES',
    schema: z.string().min(1),
    default: 'roles',
    doc: 'The claim with the roles, a list or words; dots lead inwards (`realm_access.roles`).',
  }),
  oidcGroups: key({
    path: 'auth.oidc.claims.groups',
    env: 'EDICT_OIDC_CLAIM_GROUPS',
    schema: z.string().min(1),
    default: 'groups',
    doc: 'The claim with the groups, likewise.',
  }),
  oidcPrefix: key({
    path: 'auth.oidc.prefix',
    env: 'EDICT_OIDC_PREFIX',
    schema: z.string().regex(/^[A-Za-z0-9._@-]*$/, 'may have letters, digits and . _ @ - only'),
    default: '',
    doc: 'Stands before the name of each actor of the provider, so that none has the name of a token’s actor.',
  }),
  trustedProxies: key({
    path: 'server.trustedProxies',
    env: 'EDICT_TRUSTED_PROXIES',
    schema: networks,
    default: '',
    doc: 'Addresses and networks of proxies whose `X-Forwarded-For` is believed (`[10.0.0.0/8, ::1]`). The client’s address counts for limits and stands in the audit log; it is never identity.',
  }),
  maxBody: key({
    path: 'limits.maxBody',
    env: 'EDICT_MAX_BODY',
    schema: size,
    default: '1MB',
    doc: 'Largest request body; above it 413 `body_too_large`.',
  }),
  maxBatch: key({
    path: 'limits.maxBatch',
    env: 'EDICT_MAX_BATCH',
    schema: count,
    default: 10_000,
    doc: 'Most inputs in a batch as one JSON document; above it 413 `body_too_large`. As NDJSON, a batch may have any number.',
  }),
  maxBatchBody: key({
    path: 'limits.maxBatchBody',
    env: 'EDICT_MAX_BATCH_BODY',
    schema: size,
    default: '16MB',
    doc: 'Largest batch as one JSON document; above it 413 `body_too_large`. Each input, and each line of NDJSON, may be as large as `limits.maxBody`.',
  }),
  maxDepth: key({
    path: 'limits.maxDepth',
    env: 'EDICT_MAX_DEPTH',
    schema: count.max(2000),
    default: 500,
    doc: 'Deepest nesting of an input; above it 400 `input_too_deep`.',
  }),
  budget: key({
    path: 'limits.budget',
    env: 'EDICT_BUDGET',
    schema: budgetUnits,
    default: 20_000_000,
    doc: 'Work that one evaluation may do, in the units of `x-evaluation-cost` (some eight instructions; a million takes about a millisecond). Reading the input comes on top. Above it 503 `evaluation_budget_exceeded`.',
  }),
  maxMemory: key({
    path: 'limits.maxMemory',
    env: 'EDICT_MAX_MEMORY',
    schema: size,
    default: '256MiB',
    doc: 'Memory that one evaluation may take beyond the policy and its data; above it 503 `evaluation_budget_exceeded`.',
  }),
  maxData: key({
    path: 'limits.maxData',
    env: 'EDICT_MAX_DATA',
    schema: size,
    default: '32MB',
    doc: 'Largest `data.json`; above it the finding `data_too_large`.',
  }),
  maxConcurrent: key({
    path: 'limits.maxConcurrent',
    env: 'EDICT_MAX_CONCURRENT',
    schema: count,
    default: 2000,
    doc: 'Requests in flight at once, in each process; above it 503 `too_many_requests`.',
  }),
  maxHeaders: key({
    path: 'limits.maxHeaders',
    env: 'EDICT_MAX_HEADERS',
    schema: size,
    default: '16KiB',
    doc: 'Largest request head; above it 431 `headers_too_large`.',
  }),
  requestTimeout: key({
    path: 'limits.requestTimeout',
    env: 'EDICT_REQUEST_TIMEOUT',
    schema: duration,
    default: '15s',
    doc: 'How long a client may take to send a whole request; above it 408 `request_timeout`.',
  }),
  maxLoaded: key({
    path: 'limits.maxLoaded',
    env: 'EDICT_MAX_LOADED',
    schema: count,
    default: 2000,
    doc: 'Policies kept loaded in memory, by each process; the least recently used go first and are loaded again when asked.',
  }),
  revisions: key({
    path: 'limits.revisions',
    env: 'EDICT_REVISIONS',
    schema: count,
    default: 100,
    doc: 'How many revisions are kept: for `?revision=`, and to go back to.',
  }),
  revisionAge: key({
    path: 'limits.revisionAge',
    env: 'EDICT_REVISION_AGE',
    schema: duration,
    default: '90d',
    doc: 'How long a revision is kept. The one in force always is.',
  }),
  strict: key({
    path: 'evaluation.strict',
    env: 'EDICT_STRICT',
    schema: flag,
    default: false,
    doc: 'A builtin that fails ends the evaluation with `evaluation_error` instead of being undefined. Those that WebAssembly carries itself stay undefined.',
  }),
  maxWait: key({
    path: 'evaluation.maxWait',
    env: 'EDICT_MAX_WAIT',
    schema: duration,
    default: '5s',
    doc: 'How long one decision may wait for builtins such as `http.send`, all of them together.',
  }),
  httpAllow: key({
    path: 'http.allow',
    env: 'EDICT_HTTP_ALLOW',
    schema: allowList,
    default: '',
    doc: 'Hosts that policies may connect to (`api.example.org`, `127.0.0.1:8181`, `{ host: db.internal, private: true }`), unless their source says otherwise. Empty: none.',
  }),
  prefixes: key({
    path: 'api.prefixes',
    env: 'EDICT_API_PREFIXES',
    schema: paths,
    default: '/api,/auth-api/api',
    doc: 'Where the management of dynamic policies (`…/policies`) is offered.',
  }),
  extensions: key({
    path: 'extensions',
    env: 'EDICT_EXTENSIONS',
    schema: z.string(),
    default: '',
    doc: 'Folder of own extension functions, compiled to JavaScript.',
  }),
  cliActor: key({
    path: 'cli.actor',
    env: 'EDICT_CLI_ACTOR',
    schema: z.string(),
    default: '',
    doc: 'Who acts in commands that work on the store itself, unless `--as` says otherwise.',
  }),
  logPrint: key({
    path: 'log.print',
    env: 'EDICT_LOG_PRINT',
    schema: flag,
    default: false,
    doc: 'Logs what policies `print`, with the rule that prints it. May hold personal data: see GDPR.md.',
  }),
  logLevel: key({
    path: 'log.level',
    env: 'LOG_LEVEL',
    schema: z
      .string()
      .transform((level) => level.toLowerCase())
      .pipe(z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])),
    default: 'info',
    doc: 'Least severe level that is logged.',
  }),
  logDecisions: key({
    path: 'log.decisions',
    env: 'EDICT_LOG_DECISIONS',
    schema: flag,
    default: false,
    doc: 'One log line for each decision, without input and headers.',
  }),
  logInput: key({
    path: 'log.decisionInput',
    env: 'EDICT_LOG_DECISION_INPUT',
    schema: flag,
    default: false,
    doc: 'Adds the input to the decision lines. May hold personal data: see GDPR.md.',
  }),
  logHeaders: key({
    path: 'log.decisionHeaders',
    env: 'EDICT_LOG_DECISION_HEADERS',
    schema: flag,
    default: false,
    doc: 'Adds the header names and values to the decision lines, `Authorization`, `Cookie` and the like masked.',
  }),
} as const

export type KeyName = keyof typeof keys
export type KeyValues = { readonly [K in KeyName]: (typeof keys)[K] extends Key<infer T> ? T : never }
