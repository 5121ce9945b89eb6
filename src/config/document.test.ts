import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { readDocument } from './document.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainwarden-document-'))
  writeFileSync(join(folder, 'token'), 's3cret\n')
})

afterAll(() => rmSync(folder, { recursive: true }))

function read(text: string, environment: Readonly<Record<string, string>> = {}) {
  return readDocument({ file: 'chainwarden.yaml', text, folder, references: environment })
}

describe('references', () => {
  test('a value that is one unquoted reference is read again as YAML', () => {
    expect(read('port: ${PORT}\non: ${ON}', { PORT: '9095', ON: 'true' }).value).toEqual({ port: 9095, on: true })
  })

  test('a quoted reference, or one within a text, stays a text', () => {
    const { value } = read('a: "${PORT}"\nb: http://x:${PORT}/y', { PORT: '9095' })

    expect(value).toEqual({ a: '9095', b: 'http://x:9095/y' })
  })

  test('a replaced value cannot bring structure of its own', () => {
    expect(read('a: ${X}', { X: '{ b: 1 }' }).value).toEqual({ a: '{ b: 1 }' })
    expect(read('a: ${X}', { X: '0xabc' }).value).toEqual({ a: '0xabc' })
  })

  test('a file stands in with its text, without the last line break', () => {
    expect(read('token: ${file:token}').value).toEqual({ token: 's3cret' })
  })

  test('$${ is a literal, and ${1} is no reference', () => {
    expect(read("a: 'x $${NAME} ${1}'").value).toEqual({ a: 'x ${NAME} ${1}' })
  })

  test('each that is missing is a fault with its line', () => {
    const { faults } = read('a: ${NOPE}\nb:\n  - ${file:nowhere}\n')

    expect(faults.map(({ line }) => line)).toEqual([1, 3])
    expect(faults[0]?.message).toBe('the environment variable NOPE is not set')
    expect(faults[1]?.message).toContain('the file nowhere cannot be read')
  })
})

describe('faults', () => {
  test('of values leave the rest of the document to be checked', () => {
    const { value, faults } = read('a: ${NOPE}\nb: [1, { c: 0xAb }]\nd: true\n')

    expect(value).toEqual({ a: '', b: [1, { c: '0xAb' }], d: true })
    expect(faults.map(({ path }) => path)).toEqual(['a', 'b[1].c'])
  })

  test('an unquoted 0x number says: put it in quotes', () => {
    const { faults } = read('targets:\n  - address: 0x5FbDB2315678afecb367f032d93F642f64180aa3\n')

    expect(faults).toEqual([
      {
        file: 'chainwarden.yaml',
        line: 2,
        path: 'targets[0].address',
        message: 'put 0x5FbDB231... in quotes: YAML reads it as a number',
      },
    ])
  })

  test('a key that stands twice, and text that is no YAML, are faults with lines', () => {
    expect(read('a: 1\na: 2\n').faults[0]).toMatchObject({
      line: 2,
      message: 'this key stands twice in the same place',
    })
    expect(read('a: [1\nb: 2\n').faults[0]?.message).toMatch(/^this is no YAML: /)
  })

  test('the line of a path is that of its key, or of what is nearest around it', () => {
    const document = read('server:\n  listen: x\ntargets:\n  - name: a\n  - name: b\n    labels: { c: d }\n')

    expect(document.lineOf(['server', 'listen'])).toBe(2)
    expect(document.lineOf(['targets', 1, 'labels', 'c'])).toBe(6)
    expect(document.lineOf(['targets', 1, 'address'])).toBe(5)
    expect(document.lineOf(['nothing'])).toBe(1)
  })
})
