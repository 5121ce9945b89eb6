export {
  type ActiveAlertView,
  type Alerting,
  type AlertingOptions,
  createAlerting,
  type GroupView,
  type Plan,
} from './alerting.ts'
export {
  type AlertingConfig,
  alertingSchema,
  DEFAULT_ALERTING,
  type Destination,
  type DestinationFields,
  type FirstMessage,
  type Receiver,
  type ReceiverKind,
} from './config.ts'
export { decodeAlert } from './records.ts'
