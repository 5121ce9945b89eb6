export type { Access } from './access.ts'
export type { ApiOptions } from './routes.ts'
export { type ApiServer, createInProcessApi, listen, type ListenAddress } from './server.ts'
