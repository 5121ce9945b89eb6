/** One curve or value of a panel. */
export interface PanelQuery {
  readonly expr: string
  /** How it is named, with `{{label}}`. */
  readonly legend: string
}

export interface PanelThreshold {
  readonly value: number
  readonly severity: 'warning' | 'critical'
}

/** A panel as data: drawn by the dashboard, exported to Grafana. */
export interface Panel {
  readonly title: string
  readonly kind: 'timeseries' | 'tile' | 'table'
  readonly unit: string
  readonly queries: readonly PanelQuery[]
  readonly thresholds?: readonly PanelThreshold[]
}
