/** Return the browser and the system of a User-Agent header, as people call them; the whole header if neither is known. */
export function agentName(header: string): string {
  const browser = firstOf(header, [
    [/\bEdg\//, "Edge"],
    [/\bOPR\//, "Opera"],
    [/\bFirefox\/|\bFxiOS\//, "Firefox"],
    [/\b(HeadlessChrome|Chrome|CriOS)\//, "Chrome"],
    [/\bSafari\//, "Safari"],
    [/\bcurl\//, "curl"],
    [/\bpython/i, "Python"],
  ]);
  const system = firstOf(header, [
    [/\bAndroid\b/, "Android"],
    [/\b(iPhone|iPad)\b/, "iOS"],
    [/\bWindows\b/, "Windows"],
    [/\bMac OS X\b/, "macOS"],
    [/\bLinux\b/, "Linux"],
  ]);
  return [browser, system].filter(Boolean).join(" · ") || header;
}

function firstOf(text: string, names: [RegExp, string][]): string | undefined {
  return names.find(([pattern]) => pattern.test(text))?.[1];
}
