type Entry = { version?: string; license?: string; dependencies?: Record<string, string> };
export function offenders(lock: { packages: Record<string, Entry> }): string[];
export function encoderOffenders(encoders: { name: string; licence?: string }[]): string[];
