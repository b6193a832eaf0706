/** One check of the operation check. */
export interface Check {
  name: string;
  ok: boolean;
  detail: string;
  hint: string;
  code: string;
}

export interface Sample {
  scene_id: number;
  path: string;
  rule: string; // "" if it does not match
  unchecked?: boolean;
  why?: string;
}

/** The answer of the operation check. */
export interface CheckReport {
  ok: boolean;
  checks: Check[];
  samples: Sample[];
  server: { id: string; name: string; version: string } | null;
  known_server: string;
}
