import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { canonicalLabels, fingerprint, labelsKey } from './labels.ts'

describe('fingerprint', () => {
  test('of no labels is the start of FNV-1a', () => {
    expect(fingerprint({})).toBe('cbf29ce484222325')
  })

  test('does not depend on the order, nor on labels without a value', () => {
    expect(fingerprint({ b: '2', a: '1', c: '' })).toBe(fingerprint({ a: '1', b: '2' }))
  })

  test('tells a name from a value', () => {
    expect(fingerprint({ ab: 'c' })).not.toBe(fingerprint({ a: 'bc' }))
  })
})

test('two label sets share a key exactly when they are the same', () => {
  const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', 'x', 'y'), { noNullPrototype: true })

  fc.assert(
    fc.property(labels, labels, (one, other) => {
      const isSame = JSON.stringify(canonicalLabels(one)) === JSON.stringify(canonicalLabels(other))
      expect(labelsKey(one) === labelsKey(other)).toBe(isSame)
    }),
  )
})
