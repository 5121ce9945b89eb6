import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { CallError, TemplateError } from './errors.ts'
import {
  createTemplateSet,
  fromJson,
  goList,
  goStruct,
  parseTemplate,
  stringMap,
  type TemplateOptions,
} from './index.ts'
import { goFunction, goMap } from './value.ts'

const DATA = {
  name: 'node-1',
  empty: '',
  int: 17n,
  zero: 0n,
  float: 1.5,
  yes: true,
  no: false,
  nothing: null,
  list: ['a', 'b', 'c'],
  none: [],
  ints: [3n, 4n, 5n],
  map: { two: 2n, one: 1n, Three: 3n },
  byKey: new Map([['k', 'v']]),
  deep: { er: { est: 'here' } },
  struct: goStruct({ A: 'a', B: 2n }, { typeName: 'pkg.T' }),
  labels: stringMap({ job: 'x' }),
  double: goFunction({ params: ['int'], call: ([value]) => (typeof value === 'bigint' ? value * 2n : value) }),
  shout: goStruct(
    { Word: 'hey' },
    { methods: { Loud: { params: ['string'], call: ([mark]) => `HEY${String(mark)}` } } },
  ),
  alerts: goList([{ s: 'firing' }, { s: 'resolved' }], {
    methods: { First: { params: [], call: () => goList([{ s: 'firing' }]) } },
  }),
}

function render(text: string, options: Partial<TemplateOptions> = {}, data: unknown = DATA): string {
  const result = parseTemplate(text, { name: 't', ...options }).execute(data)
  if (typeof result !== 'string') throw new Error('it waits, though no function does')
  return result
}

function errorOf(text: string, options: Partial<TemplateOptions> = {}): string {
  try {
    return `no error, but ${render(text, options)}`
  } catch (error) {
    if (error instanceof TemplateError) return error.message
    throw error
  }
}

describe('the language', () => {
  test.each([
    // text and delimiters
    ['plain', 'plain'],
    ['', ''],
    ['{ { } }', '{ { } }'],
    ['a {{"b"}} c', 'a b c'],
    ['a {{- "b" -}} c', 'abc'],
    ['a \n\t{{- "b" }} c', 'ab c'],
    ['a {{ "b" -}} \n c', 'a bc'],
    ['{{-3}} {{- 3 }}', '-33'],
    ['x{{/* a comment }} with delimiters */}}y', 'xy'],
    ['x {{- /* trimmed */ -}} y', 'xy'],
    ['{{\n.name\n}}', 'node-1'],
    // constants
    ['{{1}} {{-1}} {{+1}} {{0x1F}} {{0b101}} {{0o17}} {{017}} {{1_000}}', '1 -1 1 31 5 15 15 1000'],
    ['{{1.5}} {{1e3}} {{.5}} {{-2.50}} {{1e6}} {{1e21}} {{0x1p-2}}', '1.5 1000 0.5 -2.5 1e+06 1e+21 0.25'],
    [`{{'a'}} {{'\\n'}} {{'é'}} {{'\\''}}`, '97 10 233 39'],
    ['{{"tab\\tquote\\" \\u00e9 \\x41 \\101"}}', 'tab\tquote" é A A'],
    ['{{"\\xc3\\xa9"}}', 'é'],
    ['{{`raw \\n "quoted"`}}', 'raw \\n "quoted"'],
    ['{{true}} {{false}}', 'true false'],
    // values
    ['{{.deep}} {{with .list}}{{.}}{{end}}', 'map[er:map[est:here]] [a b c]'],
    ['{{.name}} {{.int}} {{.float}} {{.yes}}', 'node-1 17 1.5 true'],
    ['{{.list}} {{.none}} {{.map}} {{.struct}}', '[a b c] [] map[Three:3 one:1 two:2] {a 2}'],
    ['{{.deep.er.est}} {{.deep.er}}', 'here map[est:here]'],
    ['{{.missing}} {{.missing.more}} {{.nothing}}', '<no value> <no value> <no value>'],
    ['{{.byKey.k}} {{.struct.B}} {{(index .list 1)}}', 'v 2 b'],
    ['{{$.name}} {{with .deep}}{{$.deep.er}}{{end}}', 'node-1 map[est:here]'],
    // methods
    ['{{.shout.Loud "!"}} {{"?" | .shout.Loud}} {{.shout.Word}}', 'HEY! HEY? hey'],
    ['{{len .alerts}} {{len .alerts.First}} {{range .alerts.First}}{{.s}}{{end}}', '2 1 firing'],
    ['{{(index .alerts 1).s}} {{(.shout).Word}}', 'resolved hey'],
    // pipelines
    ['{{.int | printf "%04d"}}', '0017'],
    ['{{"a" | printf "%s-%s" "b"}}', 'b-a'],
    ['{{printf "%d" (len "abc")}}', '3'],
    ['{{(print "a" | len) | printf "%d!"}}', '1!'],
    // variables
    ['{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}', '12'],
    ['{{$x := "outer"}}{{if true}}{{$x := "inner"}}{{$x}}{{end}}{{$x}}', 'innerouter'],
    ['{{$x := "outer"}}{{if true}}{{$x = "changed"}}{{end}}{{$x}}', 'changed'],
    ['{{with $x := .name}}{{$x}}{{.}}{{end}}', 'node-1node-1'],
    ['{{$m := .map}}{{$m.one}}{{$.map.two}}', '12'],
    // if
    ['{{if .yes}}1{{end}}{{if .no}}2{{end}}{{if .no}}3{{else}}4{{end}}', '14'],
    ['{{if .no}}1{{else if .empty}}2{{else if .int}}3{{else}}4{{end}}', '3'],
    [
      '{{if 0}}a{{end}}{{if 0.0}}b{{end}}{{if ""}}c{{end}}{{if .none}}d{{end}}{{if .nothing}}e{{end}}{{if .missing}}f{{end}}',
      '',
    ],
    ['{{if .list}}a{{end}}{{if .struct}}b{{end}}{{if .map}}c{{end}}{{if -1}}d{{end}}{{if .double}}e{{end}}', 'abcde'],
    // with
    ['{{with .deep}}{{.er.est}}{{end}}{{with .none}}x{{else}}none{{end}}', 'herenone'],
    ['{{with .none}}x{{else with .name}}{{.}}{{end}}', 'node-1'],
    // range
    ['{{range .list}}[{{.}}]{{end}}', '[a][b][c]'],
    ['{{range $i, $e := .list}}{{$i}}={{$e}};{{end}}', '0=a;1=b;2=c;'],
    ['{{range $e := .list}}{{$e}}{{end}}', 'abc'],
    ['{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}', 'Three=3;one=1;two=2;'],
    ['{{range .none}}x{{else}}nothing{{end}}{{range .nothing}}x{{else}}nil{{end}}', 'nothingnil'],
    ['{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}{{range 0}}x{{else}}none{{end}}', '01201none'],
    ['{{range .ints}}{{if eq . 4}}{{continue}}{{end}}{{.}}{{end}}', '35'],
    ['{{range .ints}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}', '3'],
    ['{{range .list}}{{range $.ints}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}{{.}}{{end}}', '3a3b3c'],
    ['{{$last := ""}}{{range .list}}{{$last = .}}{{end}}{{$last}}', 'c'],
    ['{{$i := 0}}{{$e := ""}}{{range $i, $e = .list}}{{end}}{{$i}}{{$e}}', '2c'],
    ['{{range .list}}{{$.name}}{{break}}{{end}}', 'node-1'],
    // define, template, block
    ['{{define "x"}}<{{.}}>{{end}}{{template "x" .name}}{{template "x"}}', '<node-1><<no value>>'],
    ['{{template "later" 1}}{{define "later"}}l{{.}}{{end}}', 'l1'],
    ['{{block "b" .name}}[{{.}}]{{end}}', '[node-1]'],
    ['{{define "r"}}{{if gt . 0}}{{.}}{{template "r" (index $.next 0)}}{{end}}{{end}}ok', 'ok'],
    ['{{$x := 1}}{{define "d"}}{{$}}{{end}}{{template "d" 7}}', '7'],
    // and, or, not
    ['{{and 1 0 2}} {{and 1 2}} {{or 0 "" "x"}} {{or 0 ""}}| {{not 0}} {{not "x"}}', '0 2 x | true false'],
    ['{{or .yes (index .list 99)}} {{and .no (index .list 99)}}', 'true false'],
    ['{{1 | and 2}} {{0 | or 0}} {{1 | and 0}}', '1 0 0'],
    // comparisons
    ['{{eq 1 1}} {{eq 1 2 3 1}} {{eq "a" "b"}} {{eq true true}} {{eq 1.5 .float}}', 'true true false true true'],
    ['{{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1.5 2.5}}', 'true true true true false'],
    ['{{eq .missing "x"}} {{eq .nothing .missing}} {{ne .missing "x"}}', 'false true true'],
    // index, slice, len, call
    ['{{index .list 0}} {{index .map "one"}} {{index .deep "er" "est"}} {{index "abc" 1}}', 'a 1 here 98'],
    ['{{index .map "none"}} {{index .labels "none"}}|', '<no value> |'],
    ['{{slice .list 1}} {{slice .list 1 2}} {{slice "abcd" 1 3}} {{slice .list}}', '[b c] [b] bc [a b c]'],
    ['{{len .list}} {{len .map}} {{len "é"}} {{len .none}}', '3 3 2 0'],
    ['{{call .double 4}}', '8'],
    // print
    ['{{print "a" "b" 1 2 "c" 3.0}} {{print 1 nil}} {{println "a" 1 "b"}}', 'ab1 2c3 1 <nil> a 1 b\n'],
    // escapes
    ['{{html "<a href=\\"x\\">&\'</a>"}}', '&lt;a href=&#34;x&#34;&gt;&amp;&#39;&lt;/a&gt;'],
    ['{{js "it\'s <b>\\n=&"}}', "it\\'s \\u003Cb\\u003E\\u000A\\u003D\\u0026"],
    ['{{urlquery "a b&c=d/é"}}', 'a+b%26c%3Dd%2F%C3%A9'],
    ['{{"a" | html | print}} {{html .nothing}}', 'a &lt;no value&gt;'],
  ])('%s', (text, expected) => {
    expect(render(text)).toBe(expected)
  })
})

describe('what is wrong is said as Go says it', () => {
  test.each([
    // syntax: name and line
    ['{{', 't:1: unclosed action'],
    ['a\nb{{.x', 't:2: unclosed action'],
    ['{{.x}', "t:1: bad character U+007D '}'"],
    ['{{"abc}}', 't:1: unterminated quoted string'],
    ['{{`abc}}', 't:1: unterminated raw quoted string'],
    ["{{'a}}", 't:1: unterminated character constant'],
    ['{{/* abc }}', 't:1: unclosed comment'],
    ['{{/* abc */ .}}', 't:1: comment ends before closing delimiter'],
    ['{{(1}}', 't:1: unclosed left paren'],
    ['{{1)}}', 't:1: unexpected right paren'],
    ['{{$x}}', 't:1: undefined variable "$x"'],
    ['{{$x = 1}}', 't:1: undefined variable "$x"'],
    ['{{if $y := 1}}{{end}}{{$y}}', 't:1: undefined variable "$y"'],
    ['{{nofunc 1}}', 't:1: function "nofunc" not defined'],
    ['{{if .x}}', 't:1: unexpected EOF'],
    ['{{if}}{{end}}', 't:1: missing value for if'],
    ['{{range}}{{end}}', 't:1: missing value for range'],
    ['{{end}}', 't:1: unexpected {{end}}'],
    ['{{else}}', 't:1: unexpected {{else}}'],
    ['{{if 1}}{{else}}{{else}}{{end}}', 't:1: expected end; found {{else}}'],
    ['{{break}}', 't:1: {{break}} outside {{range}}'],
    ['{{range .list}}{{define "x"}}{{end}}{{end}}', 't:1: unexpected <define> in command'],
    ['{{range .list}}{{end}}{{continue}}', 't:1: {{continue}} outside {{range}}'],
    ['{{define "x"}}{{break}}{{end}}', 't:1: {{break}} outside {{range}}'],
    ['{{template .x}}', 't:1: unexpected ".x" in template clause'],
    ['{{1 | 2}}', 't:1: non executable command in pipeline stage 2'],
    ['{{.x | "a"}}', 't:1: non executable command in pipeline stage 2'],
    ['{{"a".b}}', 't:1: unexpected . after term "\\"a\\""'],
    ['{{$a, $b := .list}}', 't:1: too many declarations in command'],
    ['{{range $a, 1 := .list}}{{end}}', 't:1: range can only initialize variables'],
    ['{{1a}}', 't:1: bad number syntax: "1a"'],
    ['{{08}}', 't:1: integer overflow: "08"'],
    ['{{99999999999999999999}}', 't:1: integer overflow: "99999999999999999999"'],
    ['{{"\\q"}}', 't:1: invalid syntax'],
    ['{{.x # y}}', 't:1: unexpected "#" in operand'],
    ['{{.x\u0001}}', "t:1: bad character U+0001 '\u0001'"],
    ['{{define "x"}}a{{end}}{{define "x"}}b{{end}}', 't: multiple definition of template "x"'],
    // execution: name, line, column in bytes, template, node
    ['{{index .list 9}}', 't:1:2: executing "t" at <index .list 9>: error calling index: index out of range: 9'],
    ['é {{ .name.x }}', 't:1:11: executing "t" at <.name.x>: can\'t evaluate field x in type string'],
    ['\n\n  {{ .struct.C }}', 't:3:12: executing "t" at <.struct.C>: can\'t evaluate field C in type pkg.T'],
    ['{{.nothing.x}}', 't:1:10: executing "t" at <.nothing.x>: nil pointer evaluating interface {}.x'],
    ['{{eq 1 1.0}}', 't:1:2: executing "t" at <eq 1 1.0>: error calling eq: incompatible types for comparison'],
    ['{{eq 1}}', 't:1:2: executing "t" at <eq 1>: error calling eq: missing argument for comparison'],
    ['{{lt true false}}', 't:1:2: executing "t" at <lt true false>: error calling lt: invalid type for comparison'],
    ['{{len 3}}', 't:1:2: executing "t" at <len 3>: error calling len: len of type int'],
    ['{{not}}', 't:1:2: executing "t" at <not>: wrong number of args for not: want 1 got 0'],
    ['{{not 1 2}}', 't:1:2: executing "t" at <not>: wrong number of args for not: want 1 got 2'],
    ['{{printf}}', 't:1:2: executing "t" at <printf>: wrong number of args for printf: want at least 1 got 0'],
    ['{{printf 3}}', 't:1:9: executing "t" at <3>: expected string; found 3'],
    ['{{printf .int}}', 't:1:9: executing "t" at <.int>: wrong type for value; expected string; got int'],
    ['{{printf nil}}', 't:1:9: executing "t" at <nil>: cannot assign nil to string'],
    ['{{nil}}', 't:1:2: executing "t" at <nil>: nil is not a command'],
    ['{{.name 1}}', 't:1:2: executing "t" at <.name>: name is not a method but has arguments'],
    ['{{3 4}}', 't:1:2: executing "t" at <3>: can\'t give argument to non-function 3'],
    ['{{range 1.5}}{{end}}', 't:1:8: executing "t" at <{{range 1.5}}>: range can\'t iterate over 1.5'],
    ['{{range $i, $e := 3}}{{end}}', "can't use 3 to iterate over more than one variable"],
    ['{{template "nope"}}', 't:1:11: executing "t" at <{{template "nope"}}>: template "nope" not defined'],
    ['{{define "in"}}{{index . 5}}{{end}}{{template "in" .list}}', 't:1:17: executing "in" at <index . 5>'],
    ['{{.double}}', 't:1:2: executing "t" at <.double>: can\'t print .double of type func'],
    ['{{call .name}}', 't:1:2: executing "t" at <call .name>: error calling call: non-function of type string'],
    ['{{.shout.Loud}}', 'wrong number of args for Loud: want 1 got 0'],
    ['{{slice .list 2 1}}', 'error calling slice: invalid slice index: 2 > 1'],
    ['{{index .list "a"}}', 'error calling index: cannot index slice/array with type string'],
    ['{{index .map 1}}', 'error calling index: value has type int; should be string'],
  ])('%s', (text, expected) => {
    expect(errorOf(text)).toContain(expected)
    expect(errorOf(text)).toMatch(/^template: t:/)
  })

  test('the place is in the error as data, and so is the cause', () => {
    const boom = new CallError('boom')
    const functions = { fail: { params: [], call: () => Promise.reject(boom) } }
    const result = parseTemplate('a\n {{ fail }}', { name: 'x', functions }).execute({})

    return expect(result).rejects.toMatchObject({ template: 'x', line: 2, column: 4 })
  })
})

describe('missing keys', () => {
  test.each([
    ['default', '{{.labels.nope}}', '<no value>'],
    ['default', '{{.missing.nope}}', '<no value>'],
    ['zero', '{{.labels.nope}}|', '|'],
    ['zero', '{{.missing}}', '<no value>'],
    ['zero', '{{if eq .labels.nope ""}}empty{{end}}', 'empty'],
  ] as const)('%s: %s', (missingKey, text, expected) => {
    expect(render(text, { missingKey })).toBe(expected)
  })

  test('error refuses them, and zero refuses to go on from nothing', () => {
    expect(errorOf('{{.missing}}', { missingKey: 'error' })).toContain('map has no entry for key "missing"')
    expect(errorOf('{{.missing.x}}', { missingKey: 'zero' })).toContain('nil pointer evaluating interface {}.x')
  })

  test('a prototype is never looked at', () => {
    expect(render('{{.constructor}} {{.toString}} {{.labels.__proto__}} {{index .map "valueOf"}}')).toBe(
      '<no value> <no value> <no value> <no value>',
    )
    expect(errorOf('{{toString 1}}')).toContain('function "toString" not defined')
  })
})

function later(value: unknown) {
  return { params: [], call: async () => Promise.resolve(value) }
}

describe('functions', () => {
  test('one that waits makes a promise of the whole, and its answers arrive in place', async () => {
    const functions = { query: later(goList([goMap({ v: 1n }), goMap({ v: 2n })])), word: later('w') }
    const text = '{{range query}}{{.v}}{{word}}{{end}}{{if eq word "w"}}!{{end}}{{(index query 0).v | printf "%d"}}'

    const result = parseTemplate(text, { name: 't', functions }).execute({})

    expect(result).toBeInstanceOf(Promise)
    expect(await result).toBe('1w2w!1')
  })

  test('none that waits, and there is no promise', () => {
    expect(render('{{print 1}}')).toBe('1')
  })

  test('a rejection is an error of the call, at its place', async () => {
    const functions = { query: { params: [], call: async () => Promise.reject(new Error('no such series')) } }

    const result = parseTemplate('{{ query }}', { name: 't', functions }).execute({})

    await expect(result).rejects.toThrow(
      'template: t:1:3: executing "t" at <query>: error calling query: no such series',
    )
  })

  test('they win over those of Go by the same name, break and continue included', () => {
    const functions = { len: { params: [], call: () => 'mine' }, break: { params: [], call: () => 'b' } }

    expect(render('{{len}}{{break}}{{"x" | print (break)}}', { functions })).toBe('minebbx')
  })

  test('a constant becomes what a parameter asks for', () => {
    const seen: unknown[] = []
    const functions = {
      see: {
        params: ['float', 'int', 'any'] as const,
        call: (args: readonly unknown[]) => {
          seen.push(...args)
          return ''
        },
      },
    }

    render('{{see 1 2.0 3}}', { functions })

    expect(seen).toEqual([1, 2n, 3n])
    expect(errorOf('{{see 1 2.5 3}}', { functions })).toContain('expected integer; found 2.5')
  })
})

describe('variables from outside', () => {
  test('they have the values that execute gives, and nil without', () => {
    const template = parseTemplate('{{$labels.job}} {{$value}}', { name: 't', variables: ['$labels', '$value'] })

    expect(template.execute({}, { $labels: stringMap({ job: 'x' }), $value: 2.5 })).toBe('x 2.5')
    expect(template.execute({}, { $labels: stringMap({}) })).toBe('<no value> <no value>')
  })

  test('templates that are called have none', () => {
    const text = '{{define "x"}}{{$labels}}{{end}}{{template "x"}}'

    expect(() => parseTemplate(text, { name: 't', variables: ['$labels'] })).toThrow('undefined variable "$labels"')
  })
})

describe('a set', () => {
  test('texts call what others defined, later definitions replace earlier ones', () => {
    const set = createTemplateSet({ missingKey: 'zero' })
    set.add('{{define "title"}}old {{.name}}{{end}}{{define "both"}}{{template "title" .}}!{{end}}', 'default.tmpl')
    set.add('{{define "title"}}new {{.name}}{{end}}', 'mine.tmpl')

    expect(set.execute('both', DATA)).toBe('new node-1!')
    expect(set.template('{{template "both" .}}', { name: 'inline' }).execute(DATA)).toBe('new node-1!')
  })

  test('a blank definition replaces nothing', () => {
    const set = createTemplateSet()
    set.add('{{define "x"}}full{{end}}', 'a')
    set.add('{{define "x"}} \n{{end}}', 'b')

    expect(set.execute('x', {})).toBe('full')
  })

  test('a text adds nothing to the set', () => {
    const set = createTemplateSet()
    set.add('{{define "x"}}shared{{end}}', 'a')

    expect(set.template('{{define "x"}}own{{end}}{{template "x"}}', { name: 't' }).execute({})).toBe('own')
    expect(set.execute('x', {})).toBe('shared')
    expect(set.has('t')).toBe(false)
  })

  test('an unknown name is an error', () => {
    expect(() => createTemplateSet().execute('nope', {})).toThrow('no template "nope"')
  })
})

describe('limits', () => {
  const limits = { outputLength: 1_000, steps: 10_000, depth: 20 }

  test.each([
    ['{{define "x"}}{{template "x"}}{{end}}{{template "x"}}', 'exceeded maximum template depth (20)'],
    ['{{range 1000000000}}{{end}}', 'takes more than 10000 steps'],
    ['{{range 500}}long text {{end}}', 'output is longer than 1000 characters'],
    ['{{define "f"}}{{range 9}}{{template "f"}}{{end}}{{end}}{{template "f"}}', 'exceeded maximum template depth'],
  ])('%s', (text, expected) => {
    expect(errorOf(text, { limits })).toContain(expected)
  })

  test('a text that doubles with each turn of a loop is cut', () => {
    expect(errorOf('{{$x := "ab"}}{{range 60}}{{$x = print $x $x}}{{end}}')).toContain('is longer than')
  })

  test('a value that doubles with each turn of a loop is cut when it is printed', () => {
    const functions = { pair: { params: ['any', 'any'] as const, call: (args: readonly unknown[]) => [...args] } }

    expect(errorOf('{{$x := "ab"}}{{range 40}}{{$x = pair $x $x}}{{end}}{{$x}}', { functions })).toMatch(/longer than/)
  })

  test.each([
    ['(', ')'],
    ['{{if 1}}', '{{end}}'],
  ])('nesting of %s is bounded', (open, close) => {
    const text = open.startsWith('{{')
      ? open.repeat(5_000) + close.repeat(5_000)
      : `{{${open.repeat(5_000)}1${close.repeat(5_000)}}}`

    expect(errorOf(text)).toContain('within each other')
  })

  test('the number of variables is bounded', () => {
    const text = Array.from({ length: 2_000 }, (_, index) => `{{$v${index} := 1}}`).join('')

    expect(errorOf(text)).toBe('template: t:1: more than 1000 variables at once')
  })

  test('a text of a megabyte is parsed in one pass', () => {
    const text = '{{if .yes}}{{.name}}{{else}}no{{end}} text {{/* c */}}\n'.repeat(20_000)

    expect(errorOf(text)).toMatch(/output is longer|^no error/)
  })
})

test('JSON becomes ints and floats as they were written', () => {
  const data = fromJson({ a: 5, b: 5.5, c: [1, { d: 2 }], e: 'x', f: null })

  expect(render('{{eq .a 5}} {{.b}} {{index .c 0 | printf "%d"}} {{(index .c 1).d}} {{.e}} {{.f}}', {}, data)).toBe(
    'true 5.5 1 2 x <no value>',
  )
})

describe('whatever the text', () => {
  const pieces = fc.constantFrom(
    ...'{{ }} {{- -}} | ( ) . $ $x := = , " ` \' /* */ if else end range with define template block break continue nil true'.split(
      ' ',
    ),
    '.list',
    '.map',
    '.name',
    '.int',
    '1',
    '2.5',
    '"t"',
    'print',
    'index',
    'len',
    'eq',
    'printf',
    '\n',
    ' ',
    'é',
    '%d',
  )
  const texts = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(' '))
  const tight = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(''))

  test('it is text, or a TemplateError with a line', () => {
    fc.assert(
      fc.property(fc.oneof(texts, tight, fc.string({ unit: 'binary' })), (text) => {
        const limits = { steps: 10_000, outputLength: 10_000, depth: 10 }
        expect(isTextOrError(() => render(text, { limits }))).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  test('what has no delimiter comes out as it went in', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((text) => !text.includes('{{')),
        (text) => {
          expect(render(text)).toBe(text)
        },
      ),
    )
  })

  test('whatever the data, it is text or a TemplateError', () => {
    const template = parseTemplate('{{.}} {{.a}} {{range .b}}{{.}}{{end}} {{printf "%v %s %d %q %x" .a .b .c .a .b}}', {
      name: 't',
    })
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }), (data) => {
        expect(isTextOrError(() => template.execute(data))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

/** Nothing but text and `TemplateError`s that know their place comes out of a template. */
function isTextOrError(run: () => unknown): boolean {
  try {
    return typeof run() === 'string'
  } catch (error) {
    return error instanceof TemplateError && error.template === 't' && error.line >= 1
  }
}
