export { eventsAnswer, type EventsAnswer, eventsQuery } from './events.ts'
export { statusAnswer, type StatusAnswer } from './status.ts'
