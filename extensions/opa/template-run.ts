/** Go's `text/template`, last step: a tree and its data become text. Bounded: a template may not loop for ever. */
import { RegoObject, type RegoValue } from '../extension.ts'
import { functions } from './template-functions.ts'
import {
  mainName,
  parseTemplate,
  unquote,
  type Body,
  type Command,
  type Node,
  type Operand,
  type Pipe,
} from './template-parse.ts'
import {
  dataOf,
  GoFloat,
  GoInt,
  isList,
  isTrue,
  printTemplateValue,
  sortedMembers,
  type TemplateValue,
} from './template-values.ts'
import { BuiltinError, lookup } from './values.ts'

const mostSteps = 1_000_000

const names = new Set([...functions.keys(), 'and', 'or', 'call'])

/** `data` holds what JSON holds. */
export function renderTemplate(template: string, data: RegoValue): string {
  const templates = parseTemplate(template, names)
  const out: string[] = []
  let steps = 0

  function runTemplate(name: string, dot: TemplateValue): void {
    const body = templates.get(name)
    if (body === undefined) throw new BuiltinError(`template "${name}" not defined`)
    run(body, dot, [{ name: '$', value: dot }])
  }

  /** Variables that are made in a body end with it. */
  function run(body: Body, dot: TemplateValue, variables: readonly Variable[]): Jump {
    const own = [...variables]
    for (const node of body) {
      if (++steps > mostSteps) throw new BuiltinError('the template takes too long')
      const jump = runNode(node, dot, own)
      if (jump !== 'none') return jump
    }
    return 'none'
  }

  function runNode(node: Node, dot: TemplateValue, variables: Variable[]): Jump {
    switch (node.kind) {
      case 'text':
        out.push(node.text)
        return 'none'
      case 'action': {
        const value = pipeline(node.pipe, dot, variables)
        if (node.pipe.variables.length === 0) out.push(shown(value))
        return 'none'
      }
      case 'template':
        runTemplate(node.name, node.pipe === undefined ? undefined : pipeline(node.pipe, dot, variables))
        return 'none'
      case 'range':
        return range(node, dot, [...variables])
      case 'if':
      case 'with': {
        const inner = [...variables]
        const value = pipeline(node.pipe, dot, inner)
        if (!isTrue(value)) return run(node.otherwise, dot, variables)
        return run(node.body, node.kind === 'with' ? value : dot, inner)
      }
      default:
        return node.kind
    }
  }

  function range(node: Branch, dot: TemplateValue, variables: Variable[]): Jump {
    const { pipe, body, otherwise } = node
    const bare = { ...pipe, variables: [] }
    const items = itemsOf(pipeline(bare, dot, variables), pipe.variables.length)
    for (const [key, value] of items) {
      const inner = [...variables]
      const bound = pipe.variables.length > 1 ? [key, value] : [value]
      pipe.variables.forEach((name, i) => bind(inner, { name, value: bound[i] }, pipe.assigns))
      if (run(body, value, inner) === 'break') break
    }
    return items.length === 0 ? run(otherwise, dot, variables) : 'none'
  }

  function pipeline(pipe: Pipe, dot: TemplateValue, variables: Variable[]): TemplateValue {
    if (++steps > mostSteps) throw new BuiltinError('the template takes too long')
    let value: TemplateValue
    pipe.commands.forEach((command, i) => {
      value = runCommand(command, dot, variables, i === 0 ? [] : [value])
    })
    for (const name of pipe.variables) bind(variables, { name, value }, pipe.assigns)
    return value
  }

  function runCommand(
    command: Command,
    dot: TemplateValue,
    variables: Variable[],
    piped: readonly TemplateValue[],
  ): TemplateValue {
    const [first, ...rest] = command
    if (first === undefined) throw new BuiltinError('empty command')
    if (first.kind === 'function') return callFunction(first.text, rest, (one) => operand(one, dot, variables), piped)
    if (rest.length > 0 || piped.length > 0) throw new BuiltinError("can't give argument to non-function")
    if (first.kind === 'nil') throw new BuiltinError('nil is not a command')
    return operand(first, dot, variables)
  }

  function operand(one: Operand, dot: TemplateValue, variables: Variable[]): TemplateValue {
    switch (one.kind) {
      case 'dot':
        return dot
      case 'nil':
        return undefined
      case 'boolean':
        return one.value
      case 'string':
        return one.text
      case 'number':
        return constant(one.text)
      case 'function':
        return callFunction(one.text, [], () => undefined, [])
      case 'field':
        return fields(dot, one.fields)
      case 'variable':
        return fields(variables.findLast(({ name }) => name === one.name)?.value, one.fields)
      case 'pipe':
        return fields(pipeline(one.pipe, dot, variables), one.fields)
    }
  }

  runTemplate(mainName, dataOf(data))
  return out.join('')
}

type Branch = Extract<Node, { readonly kind: 'if' | 'with' | 'range' }>

type Jump = 'none' | 'break' | 'continue'

/** Shared by the bodies that see it, so that an inner one can set it. */
interface Variable {
  readonly name: string
  value: TemplateValue
}

function bind(variables: Variable[], variable: Variable, assigns: boolean): void {
  const known = assigns ? variables.findLast(({ name }) => name === variable.name) : undefined
  if (known === undefined) variables.push(variable)
  else known.value = variable.value
}

const shown = (value: TemplateValue): string =>
  value === undefined || value === null ? '<no value>' : printTemplateValue(value)

function fields(value: TemplateValue, path: readonly string[]): TemplateValue {
  return path.reduce<TemplateValue>((receiver, name) => {
    if (receiver === undefined) return undefined
    if (!(receiver instanceof RegoObject)) throw new BuiltinError(`can't evaluate field ${name}`)
    return dataOf(lookup(receiver, name))
  }, value)
}

function callFunction(
  name: string,
  operands: readonly Operand[],
  evaluate: (operand: Operand) => TemplateValue,
  piped: readonly TemplateValue[],
): TemplateValue {
  if (name === 'and' || name === 'or') return shortCircuit(name, operands, evaluate, piped)
  const implementation = functions.get(name)
  if (implementation === undefined) throw new BuiltinError(`${name}: there are no functions in the data`)
  return implementation([...operands.map(evaluate), ...piped])
}

/** The first value that decides, else the last one. */
function shortCircuit(
  name: 'and' | 'or',
  operands: readonly Operand[],
  evaluate: (operand: Operand) => TemplateValue,
  piped: readonly TemplateValue[],
): TemplateValue {
  if (operands.length + piped.length === 0) throw new BuiltinError(`wrong number of args for ${name}`)
  let value: TemplateValue
  for (const operand of operands) {
    value = evaluate(operand)
    if (isTrue(value) === (name === 'or')) return value
  }
  return piped.length > 0 ? piped[0] : value
}

/** What is written with a point or an exponent is a float. */
function constant(text: string): TemplateValue {
  if (text.startsWith("'")) return new GoInt(BigInt(unquote(text).codePointAt(0) ?? 0))
  const digits = text.replaceAll('_', '')
  if (/^[-+]?0[xXbBoO]/.test(digits)) return new GoInt(signed(digits))
  if (/[.eE]/.test(digits)) return new GoFloat(Number(digits))
  return new GoInt(/^[-+]?0\d/.test(digits) ? signed(digits.replace(/0/, '0o')) : BigInt(digits))
}

const signed = (digits: string): bigint => {
  const magnitude = BigInt(digits.replace(/^[-+]/, ''))
  return digits.startsWith('-') ? -magnitude : magnitude
}

function itemsOf(value: TemplateValue, variables: number): readonly (readonly [TemplateValue, TemplateValue])[] {
  if (value === undefined || value === null) return []
  if (isList(value)) return value.map((item, i) => [new GoInt(BigInt(i)), dataOf(item)])
  if (value instanceof RegoObject) return sortedMembers(value)
  if (value instanceof GoInt && variables < 2) {
    if (value.value > mostSteps) throw new BuiltinError('the template takes too long')
    return Array.from({ length: Math.max(Number(value.value), 0) }, (_, i) => [undefined, new GoInt(BigInt(i))])
  }
  throw new BuiltinError("range can't iterate over the value")
}
