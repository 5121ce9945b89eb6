export { type ApiServer, createInProcessApi, listen, type ListenAddress } from './server.ts'
