"""Handlers of requests about photos."""

from __future__ import annotations

from emosense.faces.crop import crop_faces, crop_preview
from emosense.inference.analyzers import AnalyzerCache
from emosense.media.images import read_photo
from emosense.media.jpeg import encode_jpeg
from emosense.media.png import encode_png
from emosense.media.resize import fit_within
from emosense.render.annotate import annotate
from emosense.render.explanation import draw_explanation
from emosense.settings import photo_limits
from emosense.worker.messages import (
    AnalyzePhoto,
    AnnotatePhoto,
    ExplainFace,
    FaceExplanation,
    PhotoAnalysis,
)
from emosense.worker.server import Handlers


def register(handlers: Handlers, analyzers: AnalyzerCache) -> None:
    """Register the handlers of this module."""
    handlers.register(AnalyzePhoto, lambda request: analyze_photo(request, analyzers))
    handlers.register(AnnotatePhoto, annotate_photo)
    handlers.register(ExplainFace, lambda request: explain_face(request, analyzers))


def analyze_photo(request: AnalyzePhoto, analyzers: AnalyzerCache) -> PhotoAnalysis:
    """Analyse an encoded photo, and draw the preview and the crops of its result, if they are wanted."""
    analyzer = analyzers.get(request.model)
    image = read_photo(request.data, analyzer.limits)
    result = analyzer.images([(request.name, image)], request.options)[0]
    if request.preview_side == 0:
        return PhotoAnalysis(result=result, preview=b"", crops=(), inputs=crop_faces(()))
    crops = tuple(
        encode_jpeg(fit_within(crop_preview(image, face), request.crop_side))
        for face in result.faces
    )
    inputs = crop_faces((image, face) for face in result.faces)
    annotated = annotate(image, result, in_place=True)  # after the crops, which show no boxes
    return PhotoAnalysis(
        result=result,
        preview=encode_jpeg(fit_within(annotated, request.preview_side)),
        crops=crops,
        inputs=inputs,
    )


def annotate_photo(request: AnnotatePhoto) -> bytes:
    """Draw a result onto its photo at full size."""
    image = read_photo(request.data, photo_limits())
    picture = annotate(image, request.result, in_place=True)
    return encode_png(picture) if request.image_format == "PNG" else encode_jpeg(picture)


def explain_face(request: ExplainFace, analyzers: AnalyzerCache) -> FaceExplanation:
    """Explain the prediction for a face of a photo."""
    explanation = analyzers.get(request.model).explain(request.data, request.face)
    picture = encode_jpeg(draw_explanation(explanation, request.side))
    return FaceExplanation(picture=picture, summary=explanation.summary)
