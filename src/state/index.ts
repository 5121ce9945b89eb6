export { lockFolder } from './folder-lock.ts'
export { openState, type State } from './open.ts'
