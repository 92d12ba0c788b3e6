import { describe, expect, test } from "vitest";
import { existsSync, readFileSync } from "node:fs";
import { portOf, service, serviceName, services } from "../src/services";

describe("names of ports", () => {
  test("are those that people know", () => {
    const known = { 22: "ssh", 53: "dns", 80: "http", 123: "ntp", 443: "https", 445: "smb", 3389: "rdp", 5060: "sip", 5432: "postgresql", 51820: "wireguard", 64738: "mumble" };
    for (const [port, name] of Object.entries(known)) expect(service(Number(port), 0)).toBe(`${port} ${name}`);
    expect([service(443, 1), service(53, 1), service(514, 1), service(514, 0)]).toEqual(["443 quic", "53 dns", "514 syslog", "514 rsh"]);
    expect(service(64999, 0)).toBe("64999");
  });

  test("complete names and numbers", () => {
    expect(services("imap")).toEqual([[143, "imap"], [993, "imaps"]]);
    expect(services("99").map(([port]) => port)).toContain(993);
    expect([portOf("https"), portOf("quic"), portOf("nothing")]).toEqual([443, 443, undefined]);
  });

  test("every entry is a port and a word", () => {
    const all = services("");
    expect(all.length).toBeGreaterThan(400);
    for (const [port, name] of all) expect(port > 0 && port < 65536 && /^[a-z][a-z0-9-]+$/.test(name), `${port} ${name}`).toBe(true);
  });

  // The system's own list is an extract of the registry. Where ours differs it is by
  // choice of the better known name; most must be there at all.
  test.skipIf(!existsSync("/etc/services"))("has what the system's list has", () => {
    const lines = readFileSync("/etc/services", "utf8").split("\n").flatMap((l) => /^(\S+)\s+(\d+)\/tcp/.exec(l) ?? []);
    let named = 0, same = 0, all = 0;
    for (let i = 0; i < lines.length; i += 3) {
      const name = serviceName(Number(lines[i + 2]), 0);
      all++;
      if (name) named++;
      if (name === lines[i + 1]) same++;
    }
    expect(named / all).toBeGreaterThan(0.5);
    expect(same / all).toBeGreaterThan(0.3);
  });
});
