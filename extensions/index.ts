/** All builtins that policies may call and OPA's WASM runtime does not have, by file. A new one: its file, one line here. */
import type { Extension } from './extension.ts'
import { externalHttpHeader, getHeader } from './get-header.ts'
import { aws } from './opa/aws.ts'
import { casts } from './opa/casts.ts'
import { crypto } from './opa/crypto.ts'
import { encoding } from './opa/encoding.ts'
import { graph } from './opa/graph.ts'
import { graphql } from './opa/graphql.ts'
import { http } from './opa/http.ts'
import { jsonSchema } from './opa/json-schema.ts'
import { jwt } from './opa/jwt.ts'
import { lookup } from './opa/lookup.ts'
import { net } from './opa/net.ts'
import { numbers } from './opa/numbers.ts'
import { objects } from './opa/objects.ts'
import { createParseModule, type ParseModule } from './opa/parse-module.ts'
import { glob, regex } from './opa/regex.ts'
import { runtime } from './opa/runtime.ts'
import { semver } from './opa/semver.ts'
import { strings } from './opa/strings.ts'
import { time } from './opa/time.ts'
import { tracing } from './opa/tracing.ts'
import { units } from './opa/units.ts'
import { urls } from './opa/urls.ts'
import { uuid } from './opa/uuid.ts'
import { x509 } from './opa/x509.ts'
import { yaml } from './opa/yaml.ts'

export const families: Readonly<Record<string, readonly Extension[]>> = {
  'get-header.ts': [getHeader, externalHttpHeader],
  'opa/aws.ts': aws,
  'opa/casts.ts': casts,
  'opa/crypto.ts': crypto,
  'opa/encoding.ts': encoding,
  'opa/graph.ts': graph,
  'opa/graphql.ts': graphql,
  'opa/http.ts': http,
  'opa/json-schema.ts': jsonSchema,
  'opa/jwt.ts': jwt,
  'opa/lookup.ts': lookup,
  'opa/net.ts': net,
  'opa/numbers.ts': numbers,
  'opa/objects.ts': objects,
  'opa/regex.ts': [...regex, ...glob],
  'opa/runtime.ts': runtime,
  'opa/semver.ts': semver,
  'opa/strings.ts': strings,
  'opa/time.ts': time,
  'opa/tracing.ts': tracing,
  'opa/units.ts': units,
  'opa/urls.ts': urls,
  'opa/uuid.ts': uuid,
  'opa/x509.ts': x509,
  'opa/yaml.ts': yaml,
}

export const extensions: readonly Extension[] = Object.values(families).flat()

/** What those builtins need that cannot do their work alone. */
export interface Tools {
  readonly parseModule: ParseModule
}

export const familiesWith = ({ parseModule }: Tools): Readonly<Record<string, readonly Extension[]>> => ({
  ...families,
  'opa/parse-module.ts': [createParseModule(parseModule)],
})

export const extensionsWith = (tools: Tools): readonly Extension[] => Object.values(familiesWith(tools)).flat()
