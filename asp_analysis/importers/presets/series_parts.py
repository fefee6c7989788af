"""Reads the files of a series and makes the parts of its load: one load for all its files."""

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.format import Part, ReadOptions
from asp_analysis.importers.presets.finding_reports import read_findings
from asp_analysis.importers.presets.gone_findings import tell_findings
from asp_analysis.importers.presets.green_red import tell_tests
from asp_analysis.importers.presets.junit_xml import Test, read_junit
from asp_analysis.importers.presets.preset import PresetUse
from asp_analysis.importers.presets.preset_tables import PresetSource, read_with_preset
from asp_analysis.importers.presets.series import RunReader, SeriesRun, Stored, name_tasks, record_batches
from asp_analysis.importers.tables.times import TimeReader


class PresetSeries:
    """The runs of one series; each file is read once and closed."""

    def __init__(self, use: PresetUse, options: ReadOptions) -> None:
        self._use, self._options, zone = use, options, options.table.time_zone
        self._reader = RunReader(use, TimeReader(options.table.time_formats, zone), zone)
        self._runs: list[SeriesRun] = []
        self._tests: dict[Test, Test] = {}

    def add(self, file: SourceFile) -> None:
        """Read one file.

        Raises:
            InputError: it is no report of this kind, or its time is none.
        """
        reader, root = self._use.preset.reader, self._use.inputs.get("root")
        if reader == "junit":
            report = read_junit(file, self._tests, keep_text=self._use.keep_text)
            self._runs.append(self._reader.run(file, {"time": report.time}, report))
            return
        for found in read_findings(file, reader, root):
            self._runs.append(self._reader.run(file, found.said, found))

    def parts(self, name: str, stored: Stored) -> list[Part]:
        """Return the parts of the load; name: of the series; stored: asks the store what it knows.

        Raises:
            InputError: the task of a defect is not known.
        """
        is_of_tests = self._use.preset.reader == "junit"
        told = tell_tests(self._runs, stored) if is_of_tests else tell_findings(self._runs)
        name_tasks(told.records, stored)
        task_known = "task_id" in {*self._options.table.constants, *self._options.table.columns}
        batches = list(record_batches(told.records, task_known, name))
        notes = [*told.notes, *(self._reader.notes if self._runs else [])]
        source = PresetSource(name=name, read=lambda: batches, notes=notes, found=told.counts)
        return read_with_preset(source, self._options)
