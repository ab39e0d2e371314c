// The report that vknorm_compare put into the page.
const report = JSON.parse(document.getElementById('report').textContent);

function rowsOf(columns, rows) {
  return rows.map((values) => Object.fromEntries(columns.map((name, i) => [name, values[i]])));
}

export const devices = report.devices.map((device, index) => ({ ...device, index }));
export const notes = report.notes;
export const shares = report.shares;
export const markTexts = report.marks;
export const rankedCases = report.rankedCases;
export const cases = rowsOf(report.caseColumns, report.cases);
export const pipelines = rowsOf(report.pipelineColumns, report.pipelines);
export const caseColumns = report.caseColumns;
export const pipelineColumns = report.pipelineColumns;

export const measured = cases.filter((row) => row.seconds !== null);
export const isMeasured = (device) => Object.values(device.counts).some((count) => count > 0);

// In the order in which the files have them.
export const valuesOf = (rows, name) => [...new Set(rows.map((row) => row[name]))];
export const numbersOf = (rows, name) => valuesOf(rows, name).sort((a, b) => a - b);
