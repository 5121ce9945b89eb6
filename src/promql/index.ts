export { isLocal, selectorsOf, type SelectorUse } from './analyze.ts'
export { type EngineClock, type EngineLimits } from './budget.ts'
export {
  createQueryEngine,
  type InstantOptions,
  type PreparedQuery,
  type QueryEngine,
  type QueryEngineOptions,
  type RangeOptions,
} from './engine.ts'
export { placeOf, PromqlError } from './errors.ts'
export { type LoadedSeries, type Points, type SeriesRef, type SeriesSource } from './source.ts'
export { childrenOf, unwrap, type Expr, type ParsedExpr, type ValueType } from './syntax/ast.ts'
export { typeOf } from './syntax/check.ts'
export { parseExpr } from './syntax/parser.ts'
export { formatExpr } from './syntax/printer.ts'
export { formatFloat } from './syntax/text.ts'
export { type MatrixSeries, type QueryResult, type Value, type VectorElement } from './value.ts'
