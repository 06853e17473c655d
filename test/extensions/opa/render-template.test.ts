import { expect, it } from 'vitest'
import { strings } from '../../../extensions/opa/strings.ts'
import { type Call, disagreements } from './oracle.ts'

const vars =
  '{"name": "Ada", "n": 3, "f": 1.5, "list": [1, "two", null], "o": {"b": 2, "a": {"deep": true}}, "html": "<b>&"}'

const templates = [
  'plain',
  'Hello {{.name}}!',
  '{{ .n }} {{- " trimmed " -}} {{ .f }}',
  '{{.missing}}',
  '{{.o.a.deep}} {{.o.missing}}',
  '{{if .n}}yes{{else}}no{{end}}{{if .missing}}{{else}}x{{end}}',
  '{{if eq .n 3}}three{{else if eq .n 4}}four{{end}}',
  '{{range .list}}[{{.}}]{{end}}',
  '{{range $i, $x := .list}}{{$i}}={{$x}};{{else}}none{{end}}',
  '{{range $k, $v := .o}}{{$k}}={{$v}};{{end}}',
  '{{range .list}}{{if eq . "two"}}{{break}}{{end}}{{.}}{{end}}',
  '{{with .o.a}}{{.deep}}{{end}}{{with .none}}x{{else}}y{{end}}',
  '{{$x := .name}}{{$x}}{{$x = "other"}}{{$x}}',
  '{{printf "%s has %v" .name .n}} {{print 1 2 "x"}} {{println "end"}}',
  '{{len .list}} {{len .name}} {{index .list 1}} {{index .o "b"}} {{slice .name 1 2}}',
  '{{html .html}} {{js .html}} {{urlquery "a b&c/é"}}',
  '{{and .n .name}} {{or .missing .name}} {{not .n}}',
  '{{lt 1 2}} {{ge 2.5 2.5}} {{ne "a" "b"}} {{eq 1 2 1}}',
  '{{.name | printf "%q" | len}}',
  '{{define "t"}}<{{.}}>{{end}}{{template "t" .name}}{{template "t"}}',
  '{{block "b" .n}}({{.}}){{end}}',
  '{{/* a comment */}}x',
  '{{"quoted \\t"}} {{`raw`}} {{\'a\'}} {{0x10}} {{1e3}} {{true}} {{nil}}',
  '{{.name',
  '{{end}}',
  '{{if}}{{end}}',
  '{{unknown 1}}',
  '{{index .list 9}}',
  '{{template "missing"}}',
  '{{.name.first}}',
  '{{(index .o "a").deep}} {{.}}',
]

const calls: readonly Call[] = templates.map((text) => ['strings.render_template', JSON.stringify(text), vars])

it('Go templates are rendered as OPA does', { timeout: 20_000 }, async () => {
  expect(await disagreements(strings, calls)).toEqual([])
})
