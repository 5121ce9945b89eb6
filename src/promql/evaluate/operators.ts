import { power } from '../functions/elementwise.ts'
import type { Arithmetic, Comparison } from '../syntax/ast.ts'

export function holds(operator: Comparison, a: number, b: number): boolean {
  switch (operator) {
    case '==':
      return a === b
    case '!=':
      return a !== b
    case '>':
      return a > b
    case '<':
      return a < b
    case '>=':
      return a >= b
    case '<=':
      return a <= b
  }
}

export function compute(operator: Arithmetic, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '%':
      return a % b
    case '^':
      return power(a, b)
    case 'atan2':
      return Math.atan2(a, b)
  }
}
