"""Writes an .xlsx with the standard library only: what Excel writes, as far as a reader of cells sees it."""

import zipfile
from datetime import datetime, timedelta

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def write_workbook(path, *sheets):
    """Write sheets, each a name and its rows, to a path or an open file."""

    def cell(value):
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        if isinstance(value, datetime):
            return f'<c s="1"><v>{(value - datetime(1899, 12, 30)) / timedelta(days=1)}</v></c>'
        return "<c/>" if value is None else f"<c><v>{value}</v></c>"

    def sheet(rows):
        body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        return f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'

    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    names = [name for name, _ in sheets]
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, 1))
    targets = "".join(
        f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/s{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    targets += f'<Relationship Id="r0" Type="{office}/styles" Target="styles.xml"/>'
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{packages}/content-types"/>')
        start = f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{packages}/relationships">{start}</Relationships>')
        book = f'<workbook xmlns="{MAIN}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>'
        archive.writestr("xl/workbook.xml", book)
        related = f'<Relationships xmlns="{packages}/relationships">{targets}</Relationships>'
        archive.writestr("xl/_rels/workbook.xml.rels", related)
        archive.writestr("xl/styles.xml", styles)
        for number, (_, rows) in enumerate(sheets, 1):
            archive.writestr(f"xl/worksheets/s{number}.xml", sheet(rows))
