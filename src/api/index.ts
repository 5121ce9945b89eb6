export { type Access } from './access.ts'
export { type ApiServer, listen, type ListenAddress } from './server.ts'
