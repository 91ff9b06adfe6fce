/** What `GET /api/v1/control/status` answers. */
export interface ControlStatus {
  readonly phase: string;
  readonly node_id: string;
  readonly version: string;
  readonly pid: number;
  readonly uptime_s: number;
  readonly api_url: string;
  readonly s3_url: string;
  readonly storage: { readonly used_bytes: number; readonly max_bytes: number };
  readonly objects_count: number;
  readonly memory_bytes: number;
}
