export { type Alerting, createAlerting } from './alerting.ts'
export { type AlertingConfig, alertingSchema, DEFAULT_ALERTING } from './config.ts'
