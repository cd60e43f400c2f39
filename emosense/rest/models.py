"""GET /models: the networks that requests may name."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from emosense import settings
from emosense.errors import ModelDamaged
from emosense.networks.model_card import ModelCard
from emosense.networks.registry import list_models
from emosense.rest.schemas import Models

router = APIRouter(tags=["networks"])


@router.get("/models", response_model=Models, summary="List the networks")
def get_models() -> dict[str, Any]:
    """List the networks of the server with their test metrics."""
    models, damaged = [], []
    for model in list_models().values():
        try:
            models.append(_describe(model.card))
        except ModelDamaged:  # its message tells paths of the server
            damaged.append(model.name)
    return {"models": models, "damaged": damaged}


def _describe(card: ModelCard) -> dict[str, Any]:
    calibration = card.calibration
    return {
        "name": card.name,
        "title": card.title,
        "summary": card.summary,
        "is_default": card.name == settings.MODEL.text(),
        "parameters": card.parameters,
        "version": card.version,
        "calibration": {
            "version": calibration.version,
            "temperature": calibration.temperature,
            "abstention_threshold": calibration.threshold,
            "depends_on_quality": calibration.quality is not None,
        },
        "metrics": {
            name: {key: getattr(metrics, key) for key in ("images", "accuracy", "macro_f1", "ece")}
            for name, metrics in card.metrics.items()
            if name != "Training"
        },
        "licence": card.licence,
    }
