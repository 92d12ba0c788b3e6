// A small picture of the course of time: in above the line, out below, on one scale.

import { columns, type Course } from "../course";
import { amount, clock, date, duration } from "../format";
import { zone } from "../state";
import type { Unit } from "../sums";

const width = 288, height = 44;

export function Spark({ course, unit }: { course: Course; unit: Unit }) {
  const [a, b] = course[unit].map((v) => columns(v, 96)), n = a.length;
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, a[i], b[i]);
  if (n < 2 || most === 0) return null;
  const up = Math.max(...a) / most, both = up + Math.max(...b) / most || 1, zero = (height * up) / both;
  const each = Math.ceil(course[unit][0].length / n) * course.step, until = course.from + n * each;
  const area = (v: Float64Array, sign: number) => {
    let path = `M0 ${zero}`;
    for (let i = 0; i < n; i++) path += `V${(zero - (sign * height * v[i]) / most / both).toFixed(1)}H${((width * (i + 1)) / n).toFixed(1)}`;
    return path + `V${zero}Z`;
  };
  const peak = a.reduce((m, v, i) => (v + b[i] > a[m] + b[m] ? i : m), 0), when = course.from + peak * each;
  const peakText = `at most ${amount(a[peak] + b[peak], unit)}`, day = date(course.from, zone.value) !== date(until, zone.value), brief = (t: number) => (day ? date(t, zone.value) : clock(t, zone.value, false));
  const say = `${peakText} in ${duration(each)}, ${date(when, zone.value)} ${clock(when, zone.value)}`;
  return (
    <figure class="spark">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={`Course of time: ${say}`}>
        <path class="spark-in" d={area(a, 1)} /><path class="spark-out" d={area(b, -1)} /><path class="spark-zero" d={`M0 ${zero}H${width}`} />
      </svg>
      <figcaption title={say}><span>{brief(course.from)}</span><span>{peakText}, {clock(when, zone.value, each < 60_000)}</span><span>{brief(until)}</span></figcaption>
    </figure>
  );
}
